/** How a backend of one kind sees the path of a request target; `undefined` when it would refuse it. */
export type BackendReading = (path: string) => string | undefined;

function percentDecoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

function dotsRemoved(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split('/').slice(1)) {
    if (segment === '..') kept.pop();
    else if (segment !== '.') kept.push(segment);
  }
  return `/${kept.join('/')}`;
}

function slashesMerged(path: string): string {
  return path.replace(/\/+/g, '/');
}

function urlPath(path: string): string | undefined {
  return URL.canParse(path, 'http://backend') ? new URL(path, 'http://backend').pathname : undefined;
}

function then(...steps: BackendReading[]): BackendReading {
  return (path) => steps.reduce<string | undefined>((read, step) => (read === undefined ? read : step(read)), path);
}

/** Ways in which application servers and frameworks are known to read a path. */
export const backendReadings: Readonly<Record<string, BackendReading>> = {
  'takes it as it comes': (path) => path,
  'decodes it': percentDecoded,
  'decodes it and merges slashes': then(percentDecoded, slashesMerged),
  'decodes it, merges slashes and removes dots': then(percentDecoded, slashesMerged, dotsRemoved),
  'removes dots without decoding': dotsRemoved,
  'removes dots, then decodes': then(dotsRemoved, percentDecoded),
  'decodes it, takes backslashes for slashes': then(
    percentDecoded,
    (path) => path.replaceAll('\\', '/'),
    slashesMerged,
    dotsRemoved,
  ),
  'drops parameters of dot segments': then(
    (path) => path.replace(/(\/\.{1,2});[^/]*/g, '$1'),
    dotsRemoved,
    percentDecoded,
  ),
  'decodes, then drops parameters of dot segments': then(
    percentDecoded,
    (path) => path.replace(/(\/\.{1,2});[^/]*/g, '$1'),
    slashesMerged,
    dotsRemoved,
  ),
  'uses new URL': urlPath,
  'uses new URL, then decodes': then(urlPath, percentDecoded),
};
