/** `parley cache-code`, of which the build makes use: keeps what V8 compiles of the program during a start. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import { createLogger } from '../ops/log.ts';
import { writeCodeCache } from './code-cache.ts';

export function registerCacheCodeCommand(program: Command): void {
  program
    .command('cache-code', { hidden: true })
    .description('start a server for a moment and keep beside the program what V8 has compiled of it')
    .action(cacheCode);
}

/** A first start on an empty folder, its first answer, and what is loaded later. */
async function cacheCode(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'parley-cache-code-'));
  try {
    const env = { HOST: '127.0.0.1', PORT: '0', METRICS_PORT: '0', GRPC_PORT: '0', PARLEY_DATA_DIR: dir };
    const config = loadConfig({ env: { ...env, LOG_LEVEL: 'error' }, cwd: dir });
    const { logger, close } = createLogger({ ...config.log, isTty: false, secrets: [] });
    const { LATER_MS, startServer } = await import('../server.ts');
    const server = await startServer(config, logger);
    try {
      const [answer] = (await once(get(`${server.url}/.well-known/agent-card.json`), 'response')) as [IncomingMessage];
      answer.resume();
      await sleep(LATER_MS + 200);
    } finally {
      await server.stop();
      await close();
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  writeCodeCache();
}
