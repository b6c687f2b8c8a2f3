#!/usr/bin/env node
/** The `parley` command. Each subcommand is one file; what it needs is loaded only when it runs. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { registerCardCommands } from './card.ts';
import { registerConfigCommands } from './config.ts';
import { registerKeyCommands } from './keys.ts';
import { registerMigrateCommand } from './migrate.ts';
import { registerPushCommands } from './push.ts';
import { registerRekeyCommand } from './rekey.ts';
import { registerServeCommand } from './serve.ts';
import { registerSigningKeyCommands } from './signing-keys.ts';

interface PackageJson {
  readonly version: string;
  readonly description: string;
}

const packageJson = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as PackageJson;

const program = new Command('parley')
  .description(packageJson.description)
  .version(packageJson.version)
  .showHelpAfterError()
  .configureHelp({ sortSubcommands: true });

registerServeCommand(program);
registerConfigCommands(program);
registerMigrateCommand(program);
registerKeyCommands(program);
registerPushCommands(program);
registerRekeyCommand(program);
registerCardCommands(program);
registerSigningKeyCommands(program);

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`parley: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
