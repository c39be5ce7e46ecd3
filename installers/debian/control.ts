/** Name of the Debian package. */
export const PACKAGE = 'tabagent-host';

const MAINTAINER = 'TabAgent <maintainers@tabagent.dev>';

/** Returns the control file of the host's package (Debian policy, chapter 5.3). */
export function controlText(options: { version: string; cpu: 'x64' | 'arm64'; kibibytes: number }): string {
  const { version, cpu, kibibytes } = options;
  return `Package: ${PACKAGE}
Version: ${version}
Architecture: ${cpu === 'x64' ? 'amd64' : 'arm64'}
Maintainer: ${MAINTAINER}
Installed-Size: ${kibibytes}
Depends: libc6 (>= 2.34), libgcc-s1 (>= 3.4), libstdc++6 (>= 12)
Recommends: chromium | firefox-esr | www-browser
Section: web
Priority: optional
Description: native-messaging host of the TabAgent browser extension
 Runs language models on this computer for the TabAgent extension of Chromium,
 Chrome, Edge, Brave, Vivaldi, Opera, Firefox and browsers based on them.
 Downloads GGUF models, checks whether they fit the computer, and runs them
 with llama.cpp.
 .
 The package contains Node.js and llama.cpp, and registers the host with the
 browsers of all users.
`;
}

/** Returns the control file of an add-on: the llama.cpp backend for a kind of GPU. */
export function addOnControlText(options: {
  addOn: string;
  version: string;
  cpu: 'x64' | 'arm64';
  kibibytes: number;
}): string {
  const { addOn, version, cpu, kibibytes } = options;
  return `Package: ${PACKAGE}-${addOn}
Version: ${version}
Architecture: ${cpu === 'x64' ? 'amd64' : 'arm64'}
Maintainer: ${MAINTAINER}
Installed-Size: ${kibibytes}
Depends: ${PACKAGE} (= ${version})
Section: web
Priority: optional
Description: ${addOn} backend of the TabAgent host
 Lets the TabAgent host run language models on a GPU with ${addOn}. Requires the
 driver of the GPU.
`;
}

/** Returns the changelog that Debian requires. The project's changelog is in its repository. */
export function changelogText(version: string, time: number, name: string = PACKAGE): string {
  const date = new Date(time * 1000).toUTCString().replace('GMT', '+0000');
  return `${name} (${version}) stable; urgency=medium

  * Version ${version}.

 -- ${MAINTAINER}  ${date}
`;
}

/** Returns the copyright file in Debian's machine-readable format. */
export function copyrightText(licence: string): string {
  const [title = '', ...rest] = licence.trim().split('\n');
  const copyright = rest.find((line) => line.startsWith('Copyright')) ?? title;
  const text = rest
    .filter((line) => line !== copyright)
    .join('\n')
    .trim();
  const indented = text.split('\n').map((line) => (line.trim() === '' ? ' .' : ` ${line}`));
  return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: TabAgent host
Comment: The full licences of Node.js, llama.cpp and all other software in this
 package are in /usr/share/doc/${PACKAGE}/LICENSES.txt.gz

Files: *
${copyright.replace(/^Copyright (\(c\) )?/, 'Copyright: ')}
License: Expat

License: Expat
${indented.join('\n')}
`;
}

/** Overrides for lintian, with their reasons. */
export const OVERRIDES = `# Chrome and Edge read manifests for all users only from /etc/opt.
${PACKAGE}: dir-or-file-in-etc-opt *
# The program is the official build of Node.js, which includes its libraries and is not position independent.
${PACKAGE}: embedded-library * [usr/lib/${PACKAGE}/tabagent-host]
${PACKAGE}: hardening-no-pie [usr/lib/${PACKAGE}/tabagent-host]
`;
