"""The site as it runs in earnest: real servers, several web processes, workers on separate queues."""
