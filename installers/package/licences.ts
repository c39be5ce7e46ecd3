import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A component of a package, and its licence. */
export interface Licence {
  readonly name: string;
  readonly version: string;
  /** Its package URL, which identifies it in a bill of materials. */
  readonly purl: string;
  /** The SPDX expression of its licence, such as `MIT`. */
  readonly kind: string;
  readonly text: string;
}

/** Names of licence files. */
const LICENCE_FILE = /^(licen[cs]e|copying)([.-].*)?$/i;

/**
 * Returns the licences of the npm packages that the sources of a bundle belong to, one for each package.
 *
 * @throws Error if a package states no licence: it must not be distributed.
 */
export function licencesOfSources(inputs: readonly string[], root: string): Licence[] {
  const folders = new Set(inputs.flatMap((input) => packageFolder(input) ?? []));
  return [...folders].map((folder) => licenceOfPackage(resolve(root, folder)));
}

/** Returns the licence of an npm package. */
export function licenceOfPackage(folder: string): Licence {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  if (typeof license !== 'string') throw new Error(`Expected a licence in package.json of ${name}, got ${license}`);
  const file = readdirSync(folder).find((entry) => LICENCE_FILE.test(entry));
  const text =
    file === undefined
      ? `(The package contains no licence text. Its licence is ${license}.)`
      : readText(join(folder, file));
  return { name, version, purl: npmUrl(name, version), kind: license, text };
}

/**
 * Returns the licence of Node.js, which includes the licences of its dependencies.
 *
 * @param folder The npm package of Node.js for any platform: the text is the same for all, but some packages lack it.
 * @throws Error if the licence of a dependency is missing: Node.js must not be distributed without it.
 */
export function nodeLicence(folder: string): Licence {
  const { version, text } = licenceOfPackage(folder);
  for (const part of ['OpenSSL', 'V8', 'ICU', 'libuv']) {
    if (!text.includes(part)) throw new Error(`The licence of Node.js in ${folder} does not contain that of ${part}.`);
  }
  return { name: 'Node.js', version, purl: `pkg:generic/node@${version}`, kind: 'MIT', text };
}

function npmUrl(name: string, version: string): string {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`;
}

/** Returns the licence of llama.cpp and ggml. Their binaries come without its text. */
export function llamaLicence(release: string): Licence {
  const text = readText(fileURLToPath(new URL('./licences/llama.cpp.txt', import.meta.url)));
  return { name: 'llama.cpp', version: release, purl: `pkg:github/ggml-org/llama.cpp@${release}`, kind: 'MIT', text };
}

/** Returns all licences as one text: a list of components, then the text of each licence. */
export function licencesText(licences: readonly Licence[]): string {
  // The same version of a package can be installed twice.
  const sorted = [...new Map(licences.map((licence) => [licence.purl, licence])).values()].sort((a, b) =>
    a.purl < b.purl ? -1 : 1,
  );
  const list = sorted.map(({ name, version, kind }) => `  ${name} ${version} (${kind})`);
  const texts = sorted.map(
    ({ name, version, text }) => `${'='.repeat(80)}\n${name} ${version}\n${'='.repeat(80)}\n\n${text}\n`,
  );
  return `TabAgent is licensed under the MIT License, see LICENSE. It contains:\n\n${list.join('\n')}\n\n\n${texts.join('\n')}`;
}

/**
 * Returns the folder of the npm package that contains a bundled file, such as `node_modules/@scope/name/dist/x.js`;
 * undefined for a file of this project.
 */
function packageFolder(input: string): string | undefined {
  return /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(dirname(input))?.[0];
}

function readText(file: string): string {
  return readFileSync(file, 'utf8').replaceAll('\r\n', '\n').trim();
}
