//! Notifications: what scheduled queries say to their SNS topics.
//!
//! All are kept in an outbox that can be looked at, the newest so many. Where an SNS endpoint is configured they are
//! published there as well, one after the other; a topic that cannot be reached never fails what is notified of.

use crate::model::limits::NOTIFICATIONS_MAX;
use aws_sdk_sns::{
    Client,
    config::{
        BehaviorVersion, Credentials, Region, SharedCredentialsProvider, retry::RetryConfig, timeout::TimeoutConfig,
    },
    error::DisplayErrorContext,
    types::MessageAttributeValue,
};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::{mpsc, watch};

/// How often a notification is tried.
const ATTEMPTS_MAX: u32 = 3;
/// How long one try may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
/// The region of topics whose ARN names none.
const DEFAULT_REGION: &str = "us-east-1";

/// A message to a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// The topic.
    pub topic_arn: String,
    /// The message.
    pub message: String,
    /// Its attributes, all texts.
    pub attributes: Vec<(&'static str, String)>,
    /// When it was made, nanoseconds since the epoch.
    pub time_ns: i64,
}

impl Notification {
    /// Whether its topic is the account's; of all, when none is named.
    fn is_of(&self, account: Option<&str>) -> bool {
        account.is_none_or(|account| self.topic_arn.split(':').nth(4) == Some(account))
    }
}

/// Where to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnsEndpoint {
    /// Its URL.
    pub url: String,
    /// The access key id to sign with.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: String,
    /// Its session token.
    pub session_token: Option<String>,
}

/// The outbox, and the way to SNS.
#[derive(Debug)]
pub struct Notifications {
    outbox: Mutex<VecDeque<Notification>>,
    /// To the task that publishes.
    publisher: Option<mpsc::Sender<Notification>>,
    /// How many are still to be published.
    unpublished: watch::Sender<usize>,
}

impl Notifications {
    /// Notifications that are kept, and published when there is an endpoint. Publishing runs on the current runtime.
    #[must_use]
    pub fn new(endpoint: Option<SnsEndpoint>) -> Self {
        let unpublished = watch::Sender::new(0);
        let publisher = endpoint.map(|endpoint| {
            let (sender, waiting) = mpsc::channel(NOTIFICATIONS_MAX);
            tokio::spawn(publish_all(endpoint, waiting, unpublished.clone()));
            sender
        });
        Self { outbox: Mutex::default(), publisher, unpublished }
    }

    /// Sends a notification; never waits and never fails.
    pub fn send(&self, notification: Notification) {
        if let Some(publisher) = &self.publisher {
            self.unpublished.send_modify(|count| *count += 1);
            if publisher.try_send(notification.clone()).is_err() {
                self.unpublished.send_modify(|count| *count -= 1);
                tracing::error!(topic = %notification.topic_arn, "too many notifications wait: one is not published");
            }
        }
        let mut outbox = self.outbox();
        if outbox.len() == NOTIFICATIONS_MAX {
            outbox.pop_front();
        }
        outbox.push_back(notification);
    }

    /// The notifications that are kept, all or those to topics of one account, the oldest first.
    #[must_use]
    pub fn sent(&self, account: Option<&str>) -> Vec<Notification> {
        self.outbox().iter().filter(|notification| notification.is_of(account)).cloned().collect()
    }

    /// Returns when every notification so far is published, or has been tried as often as it is.
    pub async fn settled(&self) {
        // The sender lives as long as this.
        let _ = self.unpublished.subscribe().wait_for(|count| *count == 0).await;
    }

    /// Forgets all notifications, or those to topics of one account.
    pub fn forget(&self, account: Option<&str>) {
        self.outbox().retain(|notification| !notification.is_of(account));
    }

    fn outbox(&self) -> MutexGuard<'_, VecDeque<Notification>> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Publishes what comes, in order, until nothing can come any more.
async fn publish_all(
    endpoint: SnsEndpoint,
    mut waiting: mpsc::Receiver<Notification>,
    unpublished: watch::Sender<usize>,
) {
    let client = client(&endpoint);
    while let Some(notification) = waiting.recv().await {
        let Notification { topic_arn, message, attributes, .. } = notification;
        let region = topic_arn.split(':').nth(3).filter(|region| !region.is_empty()).unwrap_or(DEFAULT_REGION);
        let region = aws_sdk_sns::config::Builder::new().region(Region::new(region.to_owned()));
        let mut publish = client.publish().topic_arn(&topic_arn).message(message);
        for (name, value) in attributes {
            let value = MessageAttributeValue::builder().data_type("String").string_value(value).build();
            // The data type is there, so it can be built.
            if let Ok(value) = value {
                publish = publish.message_attributes(name, value);
            }
        }
        if let Err(error) = publish.customize().config_override(region).send().await {
            tracing::error!(topic = %topic_arn, error = %DisplayErrorContext(error), "a notification was not published");
        }
        unpublished.send_modify(|count| *count -= 1);
    }
}

fn client(endpoint: &SnsEndpoint) -> Client {
    let SnsEndpoint { url, access_key_id, secret_access_key, session_token } = endpoint;
    let credentials = Credentials::new(access_key_id, secret_access_key, session_token.clone(), None, "timebrook");
    let http = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let config = aws_sdk_sns::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(url)
        .region(Region::from_static(DEFAULT_REGION))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS_MAX))
        .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).build())
        .build();
    Client::from_conf(config)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wiremock::{Mock, MockServer, ResponseTemplate};

    fn notification(topic: &str, message: &str) -> Notification {
        Notification {
            topic_arn: format!("arn:aws:sns:us-east-1:{topic}"),
            message: message.to_owned(),
            attributes: vec![("queryArn", "q".to_owned())],
            time_ns: 1,
        }
    }

    /// What an endpoint that answers with these statuses, the last one again and again, is asked.
    async fn published(statuses: &[u16], count: usize) -> Vec<String> {
        let server = MockServer::start().await;
        for (i, status) in statuses.iter().enumerate() {
            let answer = ResponseTemplate::new(*status).set_body_string(
                "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult>\
                 <MessageId>1</MessageId></PublishResult></PublishResponse>",
            );
            let mock = Mock::given(wiremock::matchers::any()).respond_with(answer);
            let is_last = i + 1 == statuses.len();
            server.register(if is_last { mock } else { mock.up_to_n_times(1) }).await;
        }
        let endpoint = SnsEndpoint {
            url: server.uri(),
            access_key_id: "test".to_owned(),
            secret_access_key: "test".to_owned(),
            session_token: None,
        };
        let notifications = Notifications::new(Some(endpoint));
        for i in 0..count {
            notifications.send(notification("111111111111:runs", &format!("message {i}")));
        }
        notifications.settled().await;
        assert_eq!(notifications.sent(None).len(), count, "the outbox has them in any case");
        let requests = server.received_requests().await.unwrap();
        requests.iter().map(|request| String::from_utf8(request.body.clone()).unwrap()).collect()
    }

    #[tokio::test]
    async fn notifications_are_published_in_order_with_their_attributes() {
        let bodies = published(&[200], 3).await;
        assert_eq!(bodies.len(), 3);
        for (i, body) in bodies.iter().enumerate() {
            assert!(body.contains("Action=Publish"), "{body}");
            assert!(body.contains("TopicArn=arn%3Aaws%3Asns%3Aus-east-1%3A111111111111%3Aruns"), "{body}");
            assert!(body.contains(&format!("Message=message%20{i}")), "{body}");
            assert!(body.contains("MessageAttributes.entry.1.Name=queryArn"), "{body}");
        }
    }

    #[tokio::test]
    async fn a_topic_that_fails_is_tried_a_few_times_and_stops_nobody() {
        assert_eq!(published(&[500, 200], 2).await.len(), 3, "the first is tried twice");
        assert_eq!(published(&[503], 2).await.len(), 2 * ATTEMPTS_MAX as usize);
        assert_eq!(published(&[403], 2).await.len(), 2, "what is refused is not tried again");
    }

    #[test]
    fn the_newest_are_kept() {
        let notifications = Notifications::new(None);
        for i in 0..=NOTIFICATIONS_MAX {
            notifications.send(notification("111111111111:t", &i.to_string()));
        }
        let sent = notifications.sent(None);
        assert_eq!(sent.len(), NOTIFICATIONS_MAX);
        assert_eq!(sent[0].message, "1");
        notifications.send(notification("222222222222:t", "other"));
        notifications.forget(Some("111111111111"));
        assert_eq!(notifications.sent(None).len(), 1);
        notifications.forget(None);
        assert!(notifications.sent(None).is_empty());
    }
}
