import * as v from 'valibot';
import { HostError } from '../../common/errors.ts';
import { EXIT } from '../../common/exit-codes.ts';
import { validate } from '../../common/validate.ts';
import { VERSION } from '../../common/version.ts';
import { readConfig } from '../../config.ts';
import { readConfigFile } from '../../configuration/config-file.ts';
import { configFileIn } from '../../configuration/config-text.ts';
import { follow } from '../../hub/follow.ts';
import { HttpClient } from '../../hub/http.ts';
import { ProxyRoutes } from '../../hub/proxy.ts';
import { readJson } from '../../hub/read-json.ts';
import { objectWith } from '../../protocol/fields.ts';
import { isOlder } from '../../protocol/versions.ts';
import { type CommandContext, print } from '../context.ts';
import { printable } from '../terminal/text.ts';

/** The newest release, in the form of the releases API of GitHub, Forgejo and Gitea. */
const ReleaseSchema = objectWith({
  /** `v1.2.3` or `1.2.3`. */
  tag_name: v.pipe(v.string(), v.regex(/^v?\d{1,9}\.\d{1,9}\.\d{1,9}/)),
  html_url: v.optional(v.pipe(v.string(), v.maxLength(2048), v.regex(/^https?:\/\//))),
});

/** `tabagent update`: says whether there is a newer release. It installs nothing. */
export async function run(context: CommandContext): Promise<number> {
  const { terminal, entry, interrupts } = context;
  const config = readConfig({ runnerEntry: entry, env: terminal.env });
  const file = configFileIn(config.paths.home);
  const { releaseUrl } = await readConfigFile(file);
  if (releaseUrl === undefined) {
    print(context, { version: VERSION, latest: null, newer: false, url: null }, () => '');
    terminal.stderr.write(
      `This is version ${VERSION}. No address for releases is configured; set "releaseUrl" in ${file} to check for new ones.\n`,
    );
    return EXIT.ok;
  }
  const { tag_name, html_url: url = null } = await latestRelease(new URL(releaseUrl), config, interrupts.signal);
  const latest = tag_name.replace(/^v/, '');
  const newer = isOlder(VERSION, latest);
  print(context, { version: VERSION, latest, newer, url }, () =>
    printable(
      newer
        ? `Version ${latest} is available; this is ${VERSION}.${url === null ? '' : ` Download it from ${url}.`}\n`
        : `This is version ${VERSION}, the newest release.\n`,
    ),
  );
  return EXIT.ok;
}

async function latestRelease(url: URL, { env, limits }: ReturnType<typeof readConfig>, signal: AbortSignal) {
  const http = new HttpClient({
    timeoutMs: limits.connectTimeoutMs,
    stallMs: limits.stallTimeoutMs,
    proxies: new ProxyRoutes(env, limits.connectTimeoutMs),
  });
  const headers = { accept: 'application/json' };
  const response = await follow(http, { url, method: 'GET', headers, signal, token: undefined, tokenOrigin: '' });
  if (response.status !== 200) {
    response.body.destroy();
    throw new HostError('HUB_ERROR', `${url.origin} could not provide the newest release (status ${response.status}).`);
  }
  const { success, output } = validate(ReleaseSchema, await readJson(response, 'a release', signal));
  if (success) return output;
  throw new HostError('HUB_ERROR', `Unexpected response from ${url.origin}: expected a release with a "tag_name".`);
}
