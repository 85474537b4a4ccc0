/** A timer that was set on a Clock; give it back to the same clock's `clearTimeout`. */
export interface TimerHandle {
  /** Lets the process end although this timer is still set. */
  unref(): unknown;
}

/** Time as the code sees it: injected, so that a test can move it by hand. */
export interface Clock {
  /** Milliseconds, with fractions, from an arbitrary start; never goes back, whatever happens to the wall clock. */
  now(): number;
  /** Calls `fn` once, `ms` milliseconds from now or later (up to one sooner); never from inside this call. */
  setTimeout(fn: () => void, ms: number): TimerHandle;
  /** Cancels a timer; one that has fired or been cancelled before is no error. */
  clearTimeout(handle: TimerHandle): void;
}

/** The clock of the whole process against that of this thread, which may have started later. */
const THREAD_LAG_MS = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/** Milliseconds with fractions, monotonic, the same in all threads. */
export const sharedNow = (): number => performance.now() + THREAD_LAG_MS;

// Node fires a timer at once when the delay does not fit 31 bits; late is the smaller surprise.
const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** The machine's monotonic clock. Delays over 2³¹ − 1 ms (24.8 days) are cut to that. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout: (fn, ms) => setTimeout(fn, Math.min(ms, LONGEST_DELAY_MS)),
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
};
