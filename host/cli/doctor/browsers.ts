import { access, constants, readFile } from 'node:fs/promises';
import { dirname, isAbsolute, resolve } from 'node:path';
import * as v from 'valibot';
import { BROWSERS, type BrowserName } from '../../../manifests/browser.ts';
import { CHROMIUM_EXTENSION_IDS, FIREFOX_ADDON_ID } from '../../../manifests/extension-identity.ts';
import { chromiumOrigin, HOST_NAME } from '../../../manifests/host-manifest.ts';
import { isSystemError } from '../../common/errors.ts';
import { parseJson } from '../../common/json-limits.ts';
import { assertSafeToStart } from '../../common/safe-folder.ts';
import { validate } from '../../common/validate.ts';
import { VERSION } from '../../common/version.ts';
import { openMachine } from '../../registration/command.ts';
import { findBrowsers } from '../../registration/find-browsers.ts';
import { type Machine, placesOf } from '../../registration/installation.ts';
import { planRegistration } from '../../registration/plan.ts';
import { readKey } from '../../registration/registry.ts';
import type { Target } from '../../registration/target.ts';
import type { CommandContext } from '../context.ts';
import { registrationIo } from '../registration-io.ts';
import type { Finding } from './finding.ts';
import { pingAsBrowser } from './ping.ts';

const INSTALL = 'Run "tabagent install".';

const ManifestSchema = v.looseObject({
  name: v.literal(HOST_NAME),
  type: v.literal('stdio'),
  path: v.string(),
  allowed_origins: v.optional(v.array(v.string())),
  allowed_extensions: v.optional(v.array(v.string())),
});

/** Checks whether each installed browser finds a host that responds. */
export async function examineBrowsers(context: CommandContext): Promise<readonly Finding[]> {
  const machine = openMachine(registrationIo(context));
  const found = findBrowsers(machine);
  if (found.length === 0) {
    const message = 'No supported browser was found.';
    return [
      { check: 'browsers', status: 'warning', message, fix: 'Start your browser once, then run "tabagent install".' },
    ];
  }
  const pings = new Map<string, Promise<Finding>>();
  const findings: Finding[] = [];
  for (const browser of found) {
    const check = BROWSERS[browser].title;
    const manifest = await manifestOf(browser, machine);
    if (manifest === undefined) {
      findings.push({ check, status: 'failed', message: 'The host is not registered.', fix: INSTALL });
      continue;
    }
    const { family } = BROWSERS[browser];
    // Browsers of one family often read one file.
    const known = pings.get(manifest) ?? examineManifest(manifest, family, context);
    pings.set(manifest, known);
    findings.push({ ...(await known), check });
  }
  return findings;
}

/** Returns the manifest that a browser reads: the user's before that of all users. */
async function manifestOf(browser: BrowserName, machine: Machine): Promise<string | undefined> {
  for (const systemWide of [false, true]) {
    const { targets } = planRegistration({
      ...machine,
      browsers: [browser],
      allowed: { chromium: [], firefox: [] },
      hostPath: '',
      systemWide,
      programFolder: placesOf(machine, systemWide).folder,
    });
    if (!(await hasKeys(targets, machine))) continue;
    for (const target of targets) if (target.kind === 'file' && machine.exists(target.path)) return target.path;
  }
  return undefined;
}

/** On Windows a file counts when the registry names it. */
async function hasKeys(targets: readonly Target[], { reg }: Machine): Promise<boolean> {
  for (const target of targets) {
    if (target.kind === 'key' && (await readKey(reg, target.key)) === undefined) return false;
  }
  return true;
}

async function examineManifest(
  path: string,
  family: 'chromium' | 'firefox',
  { terminal }: CommandContext,
): Promise<Finding> {
  const failed = (message: string, fix = INSTALL): Finding => ({ check: '', status: 'failed', message, fix });
  const manifest = parse(await readFile(path, 'utf8'));
  if (manifest === undefined) return failed(`${path} is not a valid manifest for the TabAgent host.`);
  const [allowed = [], own] =
    family === 'firefox'
      ? [manifest.allowed_extensions, [FIREFOX_ADDON_ID]]
      : [manifest.allowed_origins, CHROMIUM_EXTENSION_IDS.map(chromiumOrigin)];
  const missing = own.find((id) => !allowed.includes(id));
  if (missing !== undefined) return failed(`${path} does not allow the TabAgent extension (${missing}).`);
  // On Windows the program may be given relative to the manifest.
  const program = process.platform === 'win32' ? resolve(dirname(path), manifest.path) : manifest.path;
  if (!isAbsolute(program)) return failed(`${path} points to ${program}, which is not an absolute path.`);
  try {
    await access(program, constants.X_OK);
  } catch (error) {
    if (!isSystemError(error, 'ENOENT', 'ENOTDIR', 'EACCES')) throw error;
    return failed(`${path} points to ${program}, which does not exist or is not executable.`);
  }
  if (process.platform !== 'win32') await assertSafeToStart(program);
  const args = family === 'firefox' ? [path, FIREFOX_ADDON_ID] : own.slice(0, 1);
  const reply = await pingAsBrowser(program, args, terminal.env);
  if (reply?.response !== 'pong') {
    return failed(`${program} started, but did not respond.`);
  }
  if (reply.version !== VERSION) {
    const message = `${program} is version ${String(reply.version)}, but this command is version ${VERSION}.`;
    return { check: '', status: 'warning', message, fix: INSTALL };
  }
  return { check: '', status: 'ok', message: `${program} responds.`, details: { manifest: path } };
}

function parse(text: string) {
  try {
    const { success, output } = validate(ManifestSchema, parseJson(text));
    return success ? output : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
