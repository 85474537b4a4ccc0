import { readFileSync } from 'node:fs';

interface FileResult {
  readonly status: string;
  readonly assertionResults: readonly { readonly status: string }[];
}

interface VitestResult {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly FileResult[];
}

/**
 * `N passed, N failed` from the text of Vitest's JSON report. A file that failed while none of its tests did (it could
 * not be loaded, or what it does around its tests failed) counts as one failure, because Vitest counts none for it; so
 * does a report that is absent or cut short.
 */
export function resultLine(report: string | undefined): string {
  const result = report === undefined ? undefined : parseReport(report);
  if (result === undefined) return '0 passed, 1 failed';
  const aroundTests = result.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed'),
  );
  return `${result.numPassedTests} passed, ${result.numFailedTests + aroundTests.length} failed`;
}

function parseReport(report: string): VitestResult | undefined {
  try {
    return JSON.parse(report) as VitestResult;
  } catch {
    return undefined;
  }
}

function readReport(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

if (import.meta.main) console.log(resultLine(readReport(process.argv[2] ?? '.vitest-result.json')));
