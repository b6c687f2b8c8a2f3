/** The port of gRPC: TLS, limits, what is not gRPC, and what keeps the server from starting. */
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GrpcClient } from '../../support/grpc-client.ts';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import { waitFor } from '../../support/wait-for.ts';
import { metricOf } from '../../support/wire-client.ts';

const HEALTH = 'grpc.health.v1.Health/Check';
const LIST = 'lf.a2a.v1.A2AService/ListTasks';

/** Asks for the health, through a connection of its own. */
async function healthOf(port: number, caFile?: string): Promise<string> {
  const client = new GrpcClient(`localhost:${port}`, caFile, { 'grpc.enable_retries': 0 });
  const { code } = await client.call(HEALTH, {}, { deadlineMs: 10_000 });
  client.close();
  return code;
}

function opened(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket));
    socket.once('error', reject);
  });
}

const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    if (socket.destroyed) resolve();
    socket.once('close', () => resolve());
    socket.resume();
  });

describe('TLS', () => {
  let directory: string;
  let certFile: string;
  let keyFile: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'parley-tls-'));
    [certFile, keyFile] = [join(directory, 'cert.pem'), join(directory, 'key.pem')];
    const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
    const out = ['-keyout', keyFile, '-out', certFile, '-days', '2'];
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    execFileSync('openssl', ['req', '-x509', ...kind, ...names, ...out], { stdio: 'ignore' });
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    writeFileSync(join(directory, 'other.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test('[O5] whose key is of another certificate ends the start, which names both', async () => {
    const config = `grpc: { tls: { certFile: ${certFile}, keyFile: ${join(directory, 'other.pem')} } }\n`;
    await expect(startParley({ config })).rejects.toThrow(
      /gRPC cannot use the certificate of grpc\.tls\.certFile with the key of grpc\.tls\.keyFile: .*mismatch/,
    );
  });

  test('is spoken by grpc.tls, and nothing else is then', async () => {
    const parley = await startParley({ config: `grpc: { tls: { certFile: ${certFile}, keyFile: ${keyFile} } }\n` });
    expect(await healthOf(parley.ports.grpcPort, certFile)).toBe('OK');
    expect(await healthOf(parley.ports.grpcPort)).toBe('UNAVAILABLE');
    const client = new GrpcClient(`localhost:${parley.ports.grpcPort}`, certFile);
    const metadata = { authorization: `Bearer ${parley.adminKey}` };
    expect((await client.call(LIST, {}, { metadata })).code).toBe('OK');
    client.close();
    await parley.destroy();
  });
});

describe('limits', () => {
  test('connections beyond grpc.maxConnections are closed and counted; when others leave there is room again', async () => {
    const parley = await startParley({ config: 'grpc: { maxConnections: 3 }\n' });
    const { grpcPort } = parley.ports;
    const held = await Promise.all([opened(grpcPort), opened(grpcPort), opened(grpcPort)]);
    for (const socket of held) socket.on('error', () => {});
    const refused = await opened(grpcPort);
    refused.on('error', () => {});
    await closed(refused);
    expect(await metricOf(parley, 'parley_limit_reached_total{limit="grpc.maxConnections"}')).toBe(1);
    for (const socket of held) socket.destroy();
    await waitFor('room for another', 20_000, async () => (await healthOf(grpcPort)) === 'OK');
    await parley.destroy();
  });

  test('[A5] a request that does not come in time is told so', async () => {
    const parley = await startParley({ config: 'server: { requestTimeoutMs: 1000 }\n' });
    const session = connectHttp2(`http://127.0.0.1:${parley.ports.grpcPort}`);
    const stream = session.request({
      ':method': 'POST',
      ':path': `/${LIST}`,
      'content-type': 'application/grpc',
      authorization: `Bearer ${parley.adminKey}`,
    });
    stream.on('error', () => {});
    stream.write(Buffer.from([0, 0, 0, 0, 9, 1]));
    const head = await new Promise<Record<string, unknown>>((resolve) => stream.once('response', resolve));
    expect(head['grpc-status']).toBe('4');
    expect(decodeURI(String(head['grpc-message']))).toContain('server.requestTimeoutMs');
    session.destroy();
    await parley.destroy();
  });
});

describe('what is not gRPC', () => {
  let parley: ParleyProcess;
  beforeAll(async () => {
    parley = await startParley();
  });
  afterAll(() => parley?.destroy());

  /** The answer's head, or what broke. */
  function requested(headers: Record<string, string>): Promise<Record<string, unknown>> {
    const session = connectHttp2(`http://127.0.0.1:${parley.ports.grpcPort}`);
    session.on('error', () => {});
    const stream = session.request({ ':method': 'POST', 'content-type': 'application/grpc', ...headers });
    stream.end();
    return new Promise((resolve) => {
      stream.once('response', (head) => {
        session.destroy();
        resolve(head);
      });
      stream.on('error', () => {});
      stream.once('close', () => resolve({ broken: true }));
    });
  }

  test('is refused and harms nobody: other protocols, other methods, odd paths, odd metadata', async () => {
    for (const bytes of ['GET / HTTP/1.1\r\nhost: a\r\n\r\n', '\x16\x03\x01\x00\x00', '\0'.repeat(1000)]) {
      const socket = await opened(parley.ports.grpcPort);
      socket.on('error', () => {});
      socket.end(bytes);
      await closed(socket);
    }
    expect(await requested({ ':path': '/a.B/C', 'content-type': 'application/json' })).toMatchObject({
      ':status': 415,
    });
    expect(await requested({ ':path': '/a.B/C' })).toMatchObject({ 'grpc-status': '12' });
    for (const path of ['/a.B/\u00e9', '/%', '*', `/${'x'.repeat(4000)}`, `/${LIST}?a=b`]) {
      await requested({ ':path': path });
    }
    const list = { ':path': `/${LIST}` };
    for (const headers of [
      { 'grpc-timeout': 'soon' },
      { 'grpc-timeout': '-1S' },
      { 'grpc-encoding': 'zip' },
      { authorization: 'Bearer' },
      { 'x-odd-bin': '%%%' },
      { 'x-request-id': 'a\u00e9' },
      { cookie: 'a=b' },
    ]) {
      expect(await requested({ ...list, ...headers })).not.toMatchObject({ 'grpc-status': '13' });
    }
    expect(await healthOf(parley.ports.grpcPort)).toBe('OK');
    expect(parley.output).not.toContain('uncaught');
    expect(parley.hasExited()).toBe(false);
  });
});

describe('the start', () => {
  test('fails with a sentence that names the key when the port is in use', async () => {
    const holder = createServer();
    const port = await new Promise<number>((resolve) => {
      holder.listen(0, '127.0.0.1', () => resolve(Number(Object(holder.address()).port)));
    });
    await expect(startParley({ env: { GRPC_PORT: String(port) } })).rejects.toThrow(
      new RegExp(`gRPC cannot listen on 127.0.0.1 port ${port}: the port is in use. Set grpc.port \\(GRPC_PORT\\)`),
    );
    await new Promise((resolve) => holder.close(resolve));
  });

  test('opens no port where gRPC is switched off', async () => {
    const parley = await startParley({ env: { GRPC_ENABLED: 'false' } });
    await expect(opened(parley.ports.grpcPort)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await parley.destroy();
  });
});
