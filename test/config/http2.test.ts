import { describe, expect, it } from 'vitest';
import { http2Findings } from '../../src/config/check-http2.ts';
import { poolReferences } from '../../src/config/check-listeners.ts';

function messages(connect: object, protocol = 'http'): string[] {
  const root = {
    listeners: { web: { protocol, pool: 'api' } },
    pools: { api: { connect } },
  };
  return http2Findings(root, poolReferences(root)).map(({ path, message }) => `${path.join('.')}: ${message}`);
}

describe('HTTP/2 to backends', () => {
  it('goes with http listeners and without the PROXY protocol', () => {
    expect(messages({ http2: true })).toEqual([]);
    expect(messages({ http2: 'true', proxyProtocol: 'off' })).toEqual([]);
    expect(messages({ http2: false, proxyProtocol: 'v2' }, 'tcp')).toEqual([]);
  });

  it('is refused with the PROXY protocol, whose header tells of one client', () => {
    expect(messages({ http2: true, proxyProtocol: 'v2' })).toEqual([
      'pools.api.connect.http2: not with proxyProtocol, since all clients share the connections of HTTP/2; expected one of the two',
    ]);
  });

  it('is refused where a listener passes on bytes', () => {
    expect(messages({ http2: true }, 'tcp')).toEqual([
      'pools.api.connect.http2: not with listener web, which passes on bytes; expected http listeners only',
    ]);
  });
});
