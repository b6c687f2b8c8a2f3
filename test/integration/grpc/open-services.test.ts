/** What anybody may ask: health and reflection, and nothing else; both can be switched off. */

import { type ClientHttp2Stream, connect, constants } from 'node:http2';
import { gzipSync } from 'node:zlib';
import { fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JsonValue } from '../../../src/protocol/json.ts';
import { bytesOf, jsonOf, messageType } from '../../../src/protocol/protobuf/messages.ts';
import { GrpcClient } from '../../support/grpc-client.ts';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import { waitFor } from '../../support/wait-for.ts';
import { at, metricOf } from '../../support/wire-client.ts';

let parley: ParleyProcess;
let client: GrpcClient;
beforeAll(async () => {
  parley = await startParley();
  client = new GrpcClient(`127.0.0.1:${parley.ports.grpcPort}`);
});
afterAll(async () => {
  client?.close();
  await parley?.destroy();
});

/** The answers of one reflection stream, which asks one thing after the other. */
function reflect(
  packageName: string,
  requests: readonly JsonValue[],
  port = parley.ports.grpcPort,
): Promise<JsonValue[]> {
  const raw = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const requestType = messageType(`${packageName}.ServerReflectionRequest`);
  const responseType = messageType(`${packageName}.ServerReflectionResponse`);
  const call = raw.makeBidiStreamRequest(
    `/${packageName}.ServerReflection/ServerReflectionInfo`,
    (request: JsonValue) => Buffer.from(bytesOf(requestType, request)),
    (message: Buffer) => jsonOf(responseType, message),
    new Metadata(),
  );
  const answers: JsonValue[] = [];
  for (const request of requests) call.write(request);
  call.end();
  return new Promise((resolve, reject) => {
    call.on('data', (answer: JsonValue) => answers.push(answer));
    call.on('error', (error) => {
      raw.close();
      reject(error);
    });
    call.on('end', () => {
      raw.close();
      resolve(answers);
    });
  });
}

/** Names of the files in an answer. */
function filesIn(answer: JsonValue | undefined): string[] {
  const files = at(answer, 'fileDescriptorResponse', 'fileDescriptorProto');
  if (!Array.isArray(files)) return [];
  return files.map((file) => fromBinary(FileDescriptorProtoSchema, Buffer.from(String(file), 'base64')).name);
}

test.each(['grpc.reflection.v1', 'grpc.reflection.v1alpha'])('[A3] %s shows every service and type', async (name) => {
  const [services, bySymbol, byMethod, byFile, byType, unknown] = await reflect(name, [
    { listServices: '' },
    { fileContainingSymbol: 'lf.a2a.v1.A2AService' },
    { fileContainingSymbol: 'a2a.v1.A2AService.TaskSubscription' },
    { fileByFilename: 'google/protobuf/struct.proto' },
    { fileContainingSymbol: 'lf.a2a.v1.Part' },
    { fileContainingSymbol: 'no.such.Thing' },
  ]);
  expect(at(services, 'listServicesResponse', 'service')).toEqual(
    [
      'lf.a2a.v1.A2AService',
      'a2a.v1.A2AService',
      'grpc.health.v1.Health',
      'grpc.reflection.v1.ServerReflection',
      'grpc.reflection.v1alpha.ServerReflection',
    ].map((service) => ({ name: service })),
  );
  const imports = ['google/protobuf/empty.proto', 'google/protobuf/struct.proto', 'google/protobuf/timestamp.proto'];
  expect(filesIn(bySymbol).toSorted()).toEqual([...imports, 'lf/a2a/v1/a2a.proto']);
  expect(filesIn(byMethod).toSorted()).toEqual(['a2a/v1/a2a.proto', ...imports]);
  expect(filesIn(byFile)).toEqual(['google/protobuf/struct.proto']);
  expect(filesIn(byType)).toContain('lf/a2a/v1/a2a.proto');
  expect(at(unknown, 'errorResponse', 'errorCode')).toBe(status.NOT_FOUND);
});

test('[A3] health is that of /readyz for the server and each service, and NOT_FOUND for what is none', async () => {
  for (const service of ['', 'lf.a2a.v1.A2AService', 'a2a.v1.A2AService', 'grpc.health.v1.Health']) {
    expect(await client.call('grpc.health.v1.Health/Check', { service })).toMatchObject({
      code: 'OK',
      messages: [{ status: 'SERVING' }],
    });
  }
  expect((await client.call('grpc.health.v1.Health/Check', { service: 'nope' })).code).toBe('NOT_FOUND');
  const unknown = await client.call('grpc.health.v1.Health/Watch', { service: 'nope' }, { count: 1 });
  expect(unknown.messages).toEqual([{ status: 'SERVICE_UNKNOWN' }]);
});

test('[A3] who watches the health learns of the end of the server', async () => {
  const other = await startParley();
  const watcher = new GrpcClient(`127.0.0.1:${other.ports.grpcPort}`);
  let begun: () => void = () => {};
  const first = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const watching = watcher.call('grpc.health.v1.Health/Watch', {}, { onMessage: () => begun() });
  await first;
  expect(await other.stop()).toEqual({ code: 0, signal: null });
  const { messages, code } = await watching;
  expect(messages[0]).toEqual({ status: 'SERVING' });
  expect(code).toBe('UNAVAILABLE');
  watcher.close();
});

test('[A3] both can be switched off, and then are not there', async () => {
  const other = await startParley({ config: 'grpc: { health: false, reflection: false }\n' });
  const without = new GrpcClient(`127.0.0.1:${other.ports.grpcPort}`);
  expect((await without.call('grpc.health.v1.Health/Check', {})).code).toBe('UNIMPLEMENTED');
  without.close();
  await expect(reflect('grpc.reflection.v1', [{ listServices: '' }], other.ports.grpcPort)).rejects.toMatchObject({
    code: status.UNIMPLEMENTED,
  });
});

describe('[A3] whoever sends no key', () => {
  let small: ParleyProcess;
  beforeAll(async () => {
    small = await startParley({
      config: 'grpc: { maxPublicCalls: 3 }\nserver: { requestTimeoutMs: 1000 }\nstreams: { stalledTimeoutMs: 1000 }\n',
    });
  });
  afterAll(async () => {
    await small?.destroy();
  });

  interface OpenCall {
    readonly stream: ClientHttp2Stream;
    /** Status code, from the head or the trailers; rstCode where there is none. */
    readonly ended: Promise<string>;
  }

  /** @param windowBytes that this client lets the server send in one stream. */
  const connectTo = (windowBytes = 65_535) => {
    const session = connect(`http://127.0.0.1:${small.ports.grpcPort}`, {
      settings: { initialWindowSize: windowBytes },
    });
    const open = (path: string, more: Record<string, string> = {}): OpenCall => {
      const stream = session.request({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
        te: 'trailers',
        ...more,
      });
      let status: unknown;
      stream.on('response', (headers) => (status ??= headers['grpc-status']));
      stream.on('trailers', (trailers) => (status ??= trailers['grpc-status']));
      stream.on('error', () => {});
      const ended = new Promise<string>((resolve) => {
        stream.once('close', () => resolve(typeof status === 'string' ? status : `reset ${stream.rstCode}`));
      });
      return { stream, ended };
    };
    return { session, open };
  };
  const CHECK = '/grpc.health.v1.Health/Check';
  const WATCH = '/grpc.health.v1.Health/Watch';
  const REFLECT = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
  /** The beginning of a message of `size` bytes, of which `sent` follow. */
  const beginning = (size: number, sent: number): Buffer => {
    const frame = Buffer.alloc(5 + sent);
    frame.writeUInt32BE(size, 1);
    return frame;
  };

  test.each([CHECK, WATCH, REFLECT])('%s takes little, and not for long', async (path) => {
    const { session, open } = connectTo();
    const large = open(path);
    large.stream.resume();
    large.stream.write(beginning(1_000_000, 20_000));
    expect(await large.ended).toBe(String(status.RESOURCE_EXHAUSTED));
    const compressed = gzipSync(Buffer.alloc(1_000_000));
    const bomb = open(path, { 'grpc-encoding': 'gzip' });
    bomb.stream.resume();
    const frame = beginning(compressed.length, 0);
    frame[0] = 1;
    bomb.stream.end(Buffer.concat([frame, compressed]));
    expect(await bomb.ended).toBe(String(status.RESOURCE_EXHAUSTED));
    const slow = open(path);
    slow.stream.resume();
    slow.stream.write(beginning(100, 10));
    expect(await slow.ended).toBe(String(status.DEADLINE_EXCEEDED));
    session.destroy();
  });

  test('reads what reflection answers, or is cut off', async () => {
    const { session, open } = connectTo(0);
    const { stream, ended } = open(REFLECT);
    const request = Buffer.from(
      bytesOf(messageType('grpc.reflection.v1.ServerReflectionRequest'), { fileContainingSymbol: 'lf.a2a.v1.Part' }),
    );
    stream.end(Buffer.concat([beginning(request.length, 0), request]));
    stream.resume();
    expect(await ended).toBe(`reset ${constants.NGHTTP2_ENHANCE_YOUR_CALM}`);
    session.destroy();
  });

  test('gets so many lasting calls and no more; a check of the health is always answered', async () => {
    const { session, open } = connectTo();
    const watches = [1, 2, 3].map(() => open(WATCH));
    await Promise.all(
      watches.map(({ stream }) => {
        stream.end(beginning(0, 0));
        return new Promise((resolve) => stream.once('data', resolve));
      }),
    );
    const fourth = open(REFLECT);
    fourth.stream.resume();
    expect(await fourth.ended).toBe(String(status.RESOURCE_EXHAUSTED));
    expect(await metricOf(small, 'parley_limit_reached_total{limit="grpc.maxPublicCalls"}')).toBe(1);
    const health = new GrpcClient(`127.0.0.1:${small.ports.grpcPort}`);
    expect((await health.call('grpc.health.v1.Health/Check', {})).code).toBe('OK');
    watches[0]?.stream.close();
    await waitFor('room again', 20_000, async () => {
      return (await health.call('grpc.health.v1.Health/Watch', {}, { count: 1 })).messages.length === 1;
    });
    health.close();
    session.destroy();
  });
});
