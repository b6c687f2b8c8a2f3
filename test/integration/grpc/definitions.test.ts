/** The definitions that are kept, read by another implementation of protobuf: for a client, and against what the server has. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';
import { loadSync } from '@grpc/proto-loader';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { registry } from '../../../src/protocol/protobuf/messages.ts';
import { type ParleyProcess, startParley } from '../../support/server.ts';

const root = resolve(import.meta.dirname, '../../..');
const protos = join(root, 'src/protocol/protobuf/protos');
const files = readdirSync(protos, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.proto'));

interface Described {
  readonly field?: readonly { readonly name: string; readonly number: number; readonly oneofIndex?: number }[];
}

/** Fields and methods by their full names, as the files say; of nested types nothing. */
function inFiles(): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, definition] of Object.entries(loadSync(files, { includeDirs: [protos], keepCase: true }))) {
    if (name.startsWith('google.protobuf.')) continue;
    if (definition.format === 'Protocol Buffer 3 DescriptorProto') {
      for (const field of (definition.type as Described).field ?? [])
        found[`${name}.${field.name}`] = `${field.number}`;
    } else if (!('format' in definition)) {
      for (const [method, { path }] of Object.entries(definition)) found[`${name}.${method}`] = path;
    }
  }
  return found;
}

function inServer(): Record<string, string> {
  const found: Record<string, string> = {};
  for (const type of registry) {
    if (type.typeName.startsWith('google.protobuf.')) continue;
    if (type.kind === 'service') {
      for (const { name } of type.methods) found[`${type.typeName}.${name}`] = `/${type.typeName}/${name}`;
    } else if (type.kind === 'message' && type.parent === undefined) {
      for (const { name, number } of type.fields) found[`${type.typeName}.${name}`] = `${number}`;
    }
  }
  return found;
}

describe('[A3] the definitions', () => {
  test('are those that the server works with: files, methods, fields and their numbers', () => {
    const known = [...registry.files].map(({ name }) => `${name}.proto`);
    const kept = files.map((name) => relative('.', name));
    expect(known.filter((name) => !name.startsWith('google/protobuf/')).toSorted()).toEqual(kept.toSorted());
    const described = inFiles();
    expect(Object.keys(described).length).toBeGreaterThan(250);
    expect(inServer()).toEqual(described);
  });
});

describe('[A3] the client in docs/grpc.md', () => {
  let parley: ParleyProcess;
  beforeAll(async () => {
    parley = await startParley();
  });
  afterAll(() => parley?.destroy());

  test('works as it is printed', async () => {
    const [, code = ''] = /```js\n([\s\S]*?)```/.exec(readFileSync(join(root, 'docs/grpc.md'), 'utf8')) ?? [];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], {
      cwd: root,
      env: { KEY: parley.adminKey, ADDRESS: `127.0.0.1:${parley.ports.grpcPort}` },
      timeout: 20_000,
    });
    expect(stderr).toBe('');
    expect(stdout.match(/^\d+ /gm)).toEqual(['1 ', '2 ', '3 ', '4 ', '5 ', '6 ']);
  });
});
