/** `parley serve`: runs the server until a signal stops it. */
import type { Command } from 'commander';
import { processEnvironment } from '../config/environment.ts';
import { type Config, loadConfig } from '../config/load.ts';
import { secretValues } from '../config/mask.ts';
import { ConfigError, formatProblem } from '../config/problems.ts';
import { createLogger } from '../ops/log.ts';
import { AppError } from '../protocol/errors.ts';
import { banner } from './banner.ts';

/** For the parts of a stop that have no time of their own; what docs/operations.md tells supervisors to wait for. */
const STOP_MARGIN_MS = 15_000;
/** What a start has of it that a signal comes into: long enough to give back what it has taken, if it waits for nothing. */
const START_MARGIN_MS = 3000;
/** Signals that come together are one. */
const SAME_MOMENT_MS = 500;
const FAILED = 'the server could not start';

export function registerServeCommand(program: Command): void {
  program
    .command('serve', { isDefault: true })
    .description('run the server until SIGTERM or SIGINT')
    .option('--port <port>', 'port of the API, over the configured one')
    .option('--host <host>', 'address to listen on, over the configured one')
    .allowExcessArguments()
    .action(async (options: { port?: string; host?: string }, { args: [word] }: Command) => {
      // As this is what runs where no command is named, a word that is left is one that there is not.
      if (word !== undefined) program.error(`error: unknown command '${word}'`);
      await serve(options);
    });
}

/** Exit codes: 0 stopped by a signal, 1 could not start or broke, 2 the configuration is not valid. */
async function serve(options: { port?: string; host?: string }): Promise<void> {
  const config = readConfig(options);
  if (config === null) return;
  const { stdout } = process;
  const { logger, close } = createLogger({
    ...config.log,
    isTty: stdout.isTTY,
    secrets: secretValues(config),
  });
  process.on('uncaughtException', (err) => {
    logger.fatal({ err }, 'uncaught exception; the process ends, and what ran is taken up by its next start');
    process.exit(1);
  });
  // Before the start: as the first process of a container it would not be ended by a signal that nobody listens to.
  const signaled = stopSignal();
  let isStarting = true;
  void signaled.then((signal) => {
    if (!isStarting) return;
    logger.info({ signal }, 'stopping when the start is over');
    setTimeout(() => {
      if (!isStarting) return;
      logger.info('stopped before the start was over');
      void close().finally(() => process.exit());
    }, START_MARGIN_MS);
  });
  try {
    const { startServer } = await import('../server.ts');
    const server = await startServer(config, logger);
    isStarting = false;
    const isQuiet = config.log.format === 'json' || !stdout.isTTY;
    if (isQuiet) {
      const { url, metricsUrl, grpcAddress, database, adminKey } = server;
      logger.info({ url, metricsUrl, grpcAddress, database, adminKeyFile: adminKey?.file }, 'listening');
    } else stdout.write(banner(config, server));
    const signal = await signaled;
    logger.info({ signal }, 'stopping');
    const { drainDelayMs, drainMs } = config.server;
    const limitMs = drainDelayMs + 2 * drainMs + STOP_MARGIN_MS;
    // A database that takes no connection back and refuses none would keep the process for minutes.
    const late = setTimeout(() => {
      logger.fatal(
        { limitMs },
        'the stop took too long; the process ends, and what ran is taken up when its leases are over',
      );
      void close().finally(() => process.exit(1));
    }, limitMs);
    await server.stop();
    clearTimeout(late);
    logger.info('stopped');
  } catch (err) {
    // One that was foreseen says what to do; where in the program it arose tells an operator nothing.
    if (err instanceof AppError && err.code !== 'INTERNAL') {
      const detail = err.detail ?? (err.cause instanceof Error ? err.cause.message : undefined);
      logger.fatal({ code: err.code, detail }, `${FAILED}: ${err.message}`);
    } else logger.fatal({ err }, FAILED);
    process.exitCode = 1;
  } finally {
    await close();
  }
  // What a library has left open keeps no process that has stopped.
  process.exit();
}

function readConfig(options: { port?: string; host?: string }): Config | null {
  const overrides = {
    ...(options.port === undefined ? {} : { 'server.port': options.port }),
    ...(options.host === undefined ? {} : { 'server.host': options.host }),
  };
  try {
    return loadConfig({ env: processEnvironment(), cwd: process.cwd(), overrides });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const lines = error.problems.map((problem) => `  ${formatProblem(problem)}\n`).join('');
    process.stderr.write(`parley: the configuration is not valid:\n${lines}`);
    process.exitCode = 2;
    return null;
  }
}

/**
 * The first of the signals that ask for an orderly end; a later one ends the process at once. Ctrl-C comes twice at the same
 * moment where npm is in between: the terminal tells every process of the group, and npm passes on what it is told.
 */
function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let firstAtMs: number | null = null;
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
      process.on(signal, () => {
        const nowMs = performance.now();
        firstAtMs ??= nowMs;
        if (nowMs - firstAtMs > SAME_MOMENT_MS) process.exit(1);
        resolve(signal);
      });
    }
  });
}
