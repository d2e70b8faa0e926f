//! Records from request to stored form.
