/** What LOOM_DEBUG=1 tells ahead of a command: enough to see what was decided, and nothing that is secret. */
import type { Command } from 'commander';
import { openHome, variablesOf } from '../api/options/reach.ts';
import { listProviders, type ProviderInfo } from '../api/providers.ts';
import { readHeaders } from '../core/request/headers.ts';
import type { CommandContext } from './options/options.ts';
import { placeOf } from './options/reach.ts';
import { nameCommand } from './usage/usage-errors.ts';
import { showAddress } from './words/addresses.ts';

type Flags = Readonly<Record<string, unknown>>;

/** Flags whose text may be a prompt, or a part of one. */
const texts = ['prompt', 'system', 'stop', 'param'];
const pathVariables = ['LOOM_HOME', 'LOOM_CACHE_DIR', 'LOOM_CONFIG', 'NODE_EXTRA_CA_CERTS'];
const proxyVariables = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'];

/** Lines on versions, paths, flags and variables. */
export function describeStart(command: Command, context: CommandContext): string[] {
  const flags: Flags = command.opts();
  const { version, workingFolder, configPath } = context;
  const place = placeOf(flags, context);
  const variables = variablesOf(place);
  const home = openHome(place);
  return [
    `loom ${version}, Node.js ${process.version}, ${process.platform} ${process.arch}`,
    `command: ${nameCommand(command)}, in ${workingFolder}`,
    `home: ${home.root}, cache: ${home.cache}`,
    `defaults: ${configPath ?? 'none'}`,
    `flags: ${JSON.stringify(Object.fromEntries(Object.entries(flags).map(showFlag)))}`,
    `variables: ${describeVariables(listProviders(place), variables).join(', ') || 'none'}`,
  ];
}

function showFlag([name, value]: [string, unknown]): [string, unknown] {
  if (name === 'apiKey') return [name, '[key]'];
  if (name === 'header') return [name, Object.keys(readHeaders(value as string[]))];
  if (name === 'baseUrl') return [name, showAddress(String(value))];
  const isFileName = typeof value === 'string' && /^@[^@]/.test(value);
  return [name, texts.includes(name) && !isFileName ? '[text]' : value];
}

function describeVariables(entries: readonly ProviderInfo[], variables: NodeJS.ProcessEnv): string[] {
  const shown: [string, (value: string) => string][] = [
    ...entries
      .flatMap(({ keyVariable, otherKeyVariables }) => [keyVariable, ...otherKeyVariables])
      .map((name): [string, () => string] => [name, () => '[key]']),
    ['LOOM_HEADERS', () => '[headers]'],
    ...[...entries.map(({ baseUrlVariable }) => baseUrlVariable), ...proxyVariables].map(
      (name): [string, typeof showAddress] => [name, showAddress],
    ),
    ...[...pathVariables, 'NO_PROXY', 'no_proxy'].map((name): [string, typeof String] => [name, String]),
  ];
  return shown.flatMap(([name, show]) => (variables[name] ? [`${name}=${show(variables[name])}`] : []));
}
