/**
 * Whether tests are to be skipped that need what a machine may not have. In CI they never are: there, a tool that is
 * missing has to be seen.
 */
export const skipsWithout = (isHere: boolean): boolean => !isHere && process.env['CI'] === undefined;
