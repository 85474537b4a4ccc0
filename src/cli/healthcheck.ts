// What the container image asks for its health: exit code 0 when the admin server says that the process is alive.
const url = process.env['FAIRLEAD_HEALTH_URL'] ?? 'http://127.0.0.1:9900/healthz';
const timeoutMs = 2_000;

try {
  const { ok, status } = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
  if (!ok) throw new Error(`status ${status}`);
} catch (error) {
  const { message, cause } = error as Error;
  console.error(`${url}: ${cause instanceof Error ? cause.message : message}`);
  process.exitCode = 1;
}
