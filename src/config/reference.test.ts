/** The written reference agrees with the schema. To write it anew: npx vitest run src/config/reference.test.ts -u */
import { parse } from 'dotenv';
import { expect, test } from 'vitest';
import { loadConfig } from './load.ts';
import { renderConfigurationReference, renderEnvironmentExample } from './reference.ts';

test('[O5] docs/configuration.md is what the schema says', async () => {
  await expect(renderConfigurationReference()).toMatchFileSnapshot('../../docs/configuration.md');
});

test('[O5] .env.example is what the schema says', async () => {
  await expect(renderEnvironmentExample()).toMatchFileSnapshot('../../.env.example');
});

test('[O5] .env.example as it stands, and with all its comments taken off the variables, is a valid configuration', () => {
  const example = renderEnvironmentExample();
  expect(parse(example)).toEqual({});
  const all = parse(example.replace(/^# (?=[A-Z_]+=)/gm, ''));
  expect(Object.keys(all)).toEqual(
    expect.arrayContaining(['PORT', 'ADMIN_API_KEY', 'DATABASE_URL', 'POSTGRES_HOST', 'PARLEY_CONFIG']),
  );
  expect(loadConfig({ env: all, cwd: '/nonexistent' }).server.port).toBe(8080);
});
