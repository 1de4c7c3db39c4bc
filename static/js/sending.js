// One file on its way, in parts: goes on by itself after a dropped connection, and after a reload of the page.
(() => {
  "use strict";
  const PART_BYTES = 4 * 2 ** 20;
  const DELAYS = [500, 1000, 2000, ...Array(60).fill(5000)];
  const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

  // The name of the file would be kept in the browser otherwise, and names of files name patients.
  async function fingerprint(file) {
    const said = [file.webkitRelativePath || file.name, file.size, file.lastModified].join("\n");
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(said));
    return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  const csrf = () => ({ "X-CSRFToken": document.querySelector("[name=csrfmiddlewaretoken]").value });
  const mayHeal = (status) => !status || status >= 500 || status === 409 || status === 423 || status === 429;

  // Resolves to the file's address once every byte has arrived.
  function sendParts(file, { url, onProgress, onPause }) {
    return new Promise((resolve, reject) => {
      const upload = new tus.Upload(file, {
        endpoint: url,
        chunkSize: PART_BYTES,
        retryDelays: DELAYS,
        headers: csrf(),
        fingerprint,
        storeFingerprintForResuming: Boolean(window.crypto?.subtle),
        removeFingerprintOnSuccess: true,
        onProgress,
        onShouldRetry: (error) => {
          const again = mayHeal(error.originalResponse?.getStatus());
          if (again) onPause();
          return again;
        },
        onError: reject,
        onSuccess: () => resolve(upload.url),
      });
      const begin = (earlier) => {
        if (earlier.length) upload.resumeFromPreviousUpload(earlier[0]);
        upload.start();
      };
      if (upload.options.storeFingerprintForResuming) upload.findPreviousUploads().then(begin, () => upload.start());
      else upload.start();
    });
  }

  async function askVerdict(url, body, onPause) {
    for (const delay of DELAYS) {
      try {
        const response = await fetch(`${url}finish/`, { method: "POST", headers: csrf(), body });
        if (response.status < 500) return await response.json();
      } catch {
        // The connection is down: what has arrived waits on the server.
      }
      onPause();
      await pause(delay);
    }
    throw new Error();
  }

  // Return the verdict; throws an error with the server's sentence, or an empty one where the connection is lost.
  async function send(file, { url, body, onProgress, onChecking, onPause }) {
    try {
      const address = await sendParts(file, { url, onProgress, onPause });
      onChecking();
      return await askVerdict(address, body, onPause);
    } catch (error) {
      const response = error.originalResponse;
      const told = response && !mayHeal(response.getStatus()) && response.getHeader("Content-Type")?.startsWith("text/plain");
      throw new Error(told ? response.getBody() : "");
    }
  }

  window.medimaging.sendFile = send;
})();
