/** `ioUring` of instances for which a test does not set it: some tests are run again without. */
export const ioUringSetting = process.env['TEST_IO_URING'] === 'false' ? false : 'auto';
