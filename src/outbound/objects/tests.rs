use super::*;

async fn check(objects: Objects) {
    objects.put("b", "reports/2026/a.json", b"one".to_vec()).await.unwrap();
    objects.put("b", "reports/2026/a.json", b"two".to_vec()).await.unwrap();
    objects.put("b", "c", Vec::new()).await.unwrap();
    objects.put("bb", "d", vec![0; 100_000]).await.unwrap();
    assert_eq!(objects.get("b", "reports/2026/a.json").await.unwrap(), b"two");
    assert_eq!(objects.list("b").await.unwrap(), ["c", "reports/2026/a.json"]);
    assert_eq!(objects.list("none").await.unwrap(), [""; 0]);
    let error = objects.get("b", "none").await.unwrap_err().to_string();
    assert_eq!(error, "there is no object none in the bucket b");
    let error = objects.get("none", "k").await.unwrap_err().to_string();
    assert_eq!(error, "there is no bucket none");
    for (bucket, key) in [
        ("", "k"),
        ("..", "k"),
        ("b/c", "k"),
        (".b", "k"),
        ("b", "../k"),
        ("b", "a//k"),
        ("b", "/k"),
        ("b", "k/"),
        ("b", ""),
    ] {
        assert!(matches!(objects.put(bucket, key, Vec::new()).await, Err(ObjectError::Name { .. })), "{bucket} {key}");
    }
    check_ranges(&objects).await;
    check_buckets(&objects).await;
    check_writer(&objects).await;
    check_attributes(&objects).await;
    check_upload(&objects).await;
}

async fn check_ranges(objects: &Objects) {
    objects.put("ranges", "k", b"0123456789".to_vec()).await.unwrap();
    for (range, expect) in [(0..3, "012"), (8..100, "89"), (9..10, "9")] {
        let opened = objects.open("ranges", "k", Some(range)).await.unwrap();
        assert_eq!(opened.object.bytes, 10);
        assert_eq!((opened.range.end - opened.range.start) as usize, expect.len());
        let pieces: Vec<Bytes> = opened.bytes.try_collect().await.unwrap();
        assert_eq!(pieces.concat(), expect.as_bytes());
    }
    let behind = objects.open("ranges", "k", Some(10..12)).await;
    assert!(matches!(behind.map(|_| ()), Err(ObjectError::Range { .. })));
}

async fn check_buckets(objects: &Objects) {
    assert!(!objects.bucket_exists("empty").await.unwrap());
    objects.create_bucket("empty").unwrap();
    assert!(objects.bucket_exists("empty").await.unwrap());
    assert_eq!(objects.bucket_names().unwrap(), ["b", "bb", "empty", "ranges"]);
    objects.put("empty", "a/b/c", Vec::new()).await.unwrap();
    assert!(matches!(objects.delete_bucket("empty").await, Err(ObjectError::NotEmpty { .. })));
    objects.delete("empty", "a/b/c").await.unwrap();
    objects.delete("empty", "a/b/c").await.unwrap();
    assert!(objects.bucket_exists("empty").await.unwrap(), "a bucket stays when its last object goes");
    objects.delete_bucket("empty").await.unwrap();
    assert!(!objects.bucket_exists("empty").await.unwrap());
    assert!(matches!(objects.delete_bucket("empty").await, Err(ObjectError::NoBucket { .. })));
    let keys = |found: Vec<Listed>| found.into_iter().map(|object| object.key).collect::<Vec<_>>();
    assert_eq!(keys(objects.list_with_prefix("b", "reports/20").await.unwrap()), ["reports/2026/a.json"]);
    assert_eq!(keys(objects.list_with_prefix("b", "rep").await.unwrap()), ["reports/2026/a.json"]);
    assert_eq!(keys(objects.list_with_prefix("b", "reports/2026/b").await.unwrap()), [""; 0]);
    assert!(matches!(objects.list_with_prefix("none", "").await, Err(ObjectError::NoBucket { .. })));
}

async fn check_writer(objects: &Objects) {
    assert!(matches!(objects.writer("nowhere", "k").map(drop), Err(ObjectError::NoBucket { .. })));
    for pieces in [0, 1, 3, 7] {
        let mut writer = objects.writer("b", "large").unwrap();
        for piece in 0..pieces {
            writer.write(&vec![piece as u8; 2 << 20]).await.unwrap();
            assert!(writer.buffered_bytes() < 7 << 20);
        }
        assert_eq!(writer.finish().await.unwrap(), pieces << 21);
        let bytes = objects.get("b", "large").await.unwrap();
        assert_eq!(bytes.len() as u64, pieces << 21);
        assert!(bytes.iter().enumerate().all(|(at, byte)| *byte as usize == at >> 21));
    }
    let mut writer = objects.writer("b", "given-up").unwrap();
    writer.write(&vec![0; 6 << 20]).await.unwrap();
    writer.abort().await;
    assert!(matches!(objects.head("b", "given-up").await, Err(ObjectError::NotFound { .. })));
}

async fn check_attributes(objects: &Objects) {
    let attributes = Attributes::from([("content-type".to_owned(), "text/csv".to_owned())]);
    objects.put("b", "typed", b"1".to_vec()).await.unwrap();
    objects.put_attributes("b", "typed", attributes.clone()).await.unwrap();
    let etag = objects.head("b", "typed").await.unwrap().etag;
    assert_eq!(objects.attributes("b", "typed", &etag).await.unwrap(), attributes);
    objects.put("b", "typed", b"22".to_vec()).await.unwrap();
    let etag = objects.head("b", "typed").await.unwrap().etag;
    assert_eq!(objects.attributes("b", "typed", &etag).await.unwrap(), Attributes::new(), "those of the object before");
}

async fn check_upload(objects: &Objects) {
    let id = "0123456789abcdef0123456789abcdef";
    let upload = parts::Upload { bucket: "b".into(), key: "parts".into(), attributes: Attributes::new() };
    objects.begin_upload(id, &upload).await.unwrap();
    assert_eq!(objects.upload(id).await.unwrap(), Some(upload.clone()));
    for (number, text) in [(2, "two"), (1, "none"), (1, "one")] {
        let bytes = futures::stream::iter([Ok::<_, ObjectError>(Bytes::from(text))]);
        let etag = objects.put_part(id, number, bytes).await.unwrap();
        assert_eq!(objects.part_etag(id, number).await.unwrap(), Some(etag));
    }
    objects.complete_upload(id, &upload, &[1, 2]).await.unwrap();
    assert_eq!(objects.get("b", "parts").await.unwrap(), b"onetwo");
    assert_eq!(objects.upload(id).await.unwrap(), None);
    assert_eq!(objects.part_etag(id, 1).await.unwrap(), None);
    assert_eq!(objects.upload("../b").await.unwrap(), None);
}

#[tokio::test]
async fn objects_are_kept_in_memory_and_in_folders() {
    check(Objects::in_memory()).await;
    let root = tempfile::tempdir().unwrap();
    check(Objects::in_folder(root.path().join("s3")).unwrap()).await;
    assert_eq!(std::fs::read(root.path().join("s3/b/reports/2026/a.json")).unwrap(), b"two");
    let again = Objects::in_folder(root.path().join("s3")).unwrap();
    assert_eq!(again.get("b", "reports/2026/a.json").await.unwrap(), b"two");
}
