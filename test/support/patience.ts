/** How long a test waits for what should happen at once, in ms: much longer than it takes on a machine that is busy with other things. */
export const PATIENCE_MS = 20_000;
