import { describe } from 'vitest';

/**
 * As `describe`, for tests that need what a machine may not have. Without it they are skipped, but not in CI, where a
 * tool that is missing has to be seen.
 */
export const describeWith = (isHere: boolean) => describe.skipIf(!isHere && process.env['CI'] === undefined);
