/** The programs in docs/clients.md, run as they are printed. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ParleyProcess, startParley } from '../../support/server.ts';

const root = resolve(import.meta.dirname, '../../..');
const docs = readFileSync(join(root, 'docs/clients.md'), 'utf8');

const PROGRAMS = {
  // The package of 0.3 has another name here, where both are installed.
  'client.mjs': { sdk: '@a2a-js/sdk', kinds: ['task', 'statusUpdate', 'artifactUpdate'] },
  'client-v0.3.mjs': { sdk: 'a2a-sdk-0.3', kinds: ['task', 'status-update', 'artifact-update'] },
} as const;

describe('[A2] the clients in docs/clients.md', () => {
  let parley: ParleyProcess;
  beforeAll(async () => {
    parley = await startParley();
  });
  afterAll(() => parley?.destroy());

  for (const [file, { sdk, kinds }] of Object.entries(PROGRAMS)) {
    for (const path of ['', '/a2a/agents/echo/']) {
      test(`${file} works as it is printed, with the agent at ${path === '' ? 'the address of the server' : path}`, async () => {
        const printed = docs.split(`\`\`\`js ${file}\n`)[1]?.split('```')[0] ?? '';
        const code = printed.replaceAll("'@a2a-js/sdk", `'${sdk}`);
        const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], {
          cwd: root,
          env: { KEY: parley.adminKey, AGENT: `${parley.url}${path}` },
          timeout: 20_000,
        });
        expect(stderr).toBe('');
        const [first, ...events] = stdout.trim().split('\n');
        expect(first).toMatch(/^[\w-]{36} hello$/);
        const [task, status, artifact] = kinds;
        expect(events).toEqual([task, status, artifact, artifact, artifact, status]);
      });
    }
  }
});
