/** Asks for this address once a second, as Prometheus does, until it is ended; a failure ends it. */
const [url] = process.argv.slice(2) as [string];
setInterval(async () => {
  const response = await fetch(url);
  await response.text();
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
}, 1000);
