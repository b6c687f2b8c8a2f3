import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { curlOf } from './curl.ts';

const url = 'http://127.0.0.1:8080/a2a/agents/echo';

/** What a shell hands to curl. */
function argumentsOf(command: string): string[] {
  const script = `curl() { printf '%s\\0' "$@"; }\n${command}`;
  return execFileSync('bash', ['-c', script], { encoding: 'utf8', env: { KEY: 'the-key' } }).split('\0');
}

describe('a command for the terminal', () => {
  it.each(["it's", '$(touch /tmp/owned)', '`id`', "'; exit 1; '", 'two\nlines', '\\', '"$KEY"'])(
    'hands %j over as it is: what others wrote cannot leave its quotes',
    (text) => {
      const given = argumentsOf(curlOf({ url, parts: [{ text }], version: '1.0' }));
      const body: unknown = JSON.parse(given[given.indexOf('-d') + 1] ?? '');
      expect(body).toMatchObject({ method: 'SendMessage', params: { message: { parts: [{ text }] } } });
      expect(given).toContain('Authorization: Bearer the-key');
    },
  );

  it('speaks 0.3 with the methods and parts of 0.3', () => {
    const parts = [{ text: 'a' }, { data: { b: 1 } }, { raw: 'AA==', filename: 'c', mediaType: 'text/plain' }];
    const given = argumentsOf(curlOf({ url, parts, version: '0.3', isStreaming: true }));
    const body: unknown = JSON.parse(given[given.indexOf('-d') + 1] ?? '');
    expect(body).toMatchObject({
      method: 'message/stream',
      params: {
        message: {
          kind: 'message',
          role: 'user',
          parts: [
            { kind: 'text', text: 'a' },
            { kind: 'data', data: { b: 1 } },
            { kind: 'file', file: { bytes: 'AA==', name: 'c', mimeType: 'text/plain' } },
          ],
        },
      },
    });
  });
});
