import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** One thing a package carries, and on what terms. */
export interface Licence {
  /** Name and version. */
  readonly of: string;
  /** What its own package says, such as `MIT`. */
  readonly kind: string;
  readonly text: string;
}

/** Files that hold a licence's text, by name. */
const LICENCE_FILE = /^(licen[cs]e|copying)([.-].*)?$/i;

/**
 * The licences of the npm packages that sources of a bundle came from, one for each package.
 *
 * @throws Error for a package without a licence: it could not be passed on.
 */
export function licencesOfSources(inputs: readonly string[], root: string): Licence[] {
  const folders = new Set(inputs.flatMap((input) => packageFolder(input) ?? []));
  return [...folders].map((folder) => licenceOfPackage(resolve(root, folder)));
}

/** The licence of one npm package. */
export function licenceOfPackage(folder: string): Licence {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  if (typeof license !== 'string') throw new Error(`Expected ${name} to name its licence, got ${license}`);
  const file = readdirSync(folder).find((entry) => LICENCE_FILE.test(entry));
  const text =
    file === undefined ? `(The package carries no text; it is under ${license}.)` : readText(join(folder, file));
  return { of: `${name} ${version}`, kind: license, text };
}

/** llama.cpp, whose binaries come without their licence's text. */
export function llamaLicence(release: string): Licence {
  const text = readText(fileURLToPath(new URL('./licences/llama.cpp.txt', import.meta.url)));
  return { of: `llama.cpp ${release}, with ggml`, kind: 'MIT', text };
}

/** All licences as one text: a list of them, then each in full. */
export function licencesText(licences: readonly Licence[]): string {
  // A package may be installed twice in one version.
  const sorted = [...new Map(licences.map((licence) => [licence.of, licence])).values()].sort((a, b) =>
    a.of < b.of ? -1 : 1,
  );
  const list = sorted.map(({ of, kind }) => `  ${of} (${kind})`);
  const texts = sorted.map(({ of, text }) => `${'='.repeat(80)}\n${of}\n${'='.repeat(80)}\n\n${text}\n`);
  return `TabAgent is under the MIT licence, see LICENSE. It carries:\n\n${list.join('\n')}\n\n\n${texts.join('\n')}`;
}

/** The package a bundled file lies in, or undefined for one of ours: `node_modules/@scope/name/dist/x.js`. */
function packageFolder(input: string): string | undefined {
  return /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(dirname(input))?.[0];
}

function readText(file: string): string {
  return readFileSync(file, 'utf8').replaceAll('\r\n', '\n').trim();
}
