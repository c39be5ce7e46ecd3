/** The package's name. */
export const PACKAGE = 'tabagent-host';

const MAINTAINER = 'TabAgent <maintainers@tabagent.dev>';

/** The package's description of itself (Debian policy, chapter 5.3). */
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
 Chrome, Edge, Brave, Vivaldi, Opera and Firefox: downloads GGUF models, knows
 what the machine can hold, and loads them with llama.cpp.
 .
 The package brings Node.js and llama.cpp with it, and registers the host with
 the browsers of all users.
`;
}

/** The changelog that policy wants: the project's own is in its repository. */
export function changelogText(version: string, time: number): string {
  const date = new Date(time * 1000).toUTCString().replace('GMT', '+0000');
  return `${PACKAGE} (${version}) stable; urgency=medium

  * Version ${version}.

 -- ${MAINTAINER}  ${date}
`;
}

/** What is under which licence, in Debian's form. */
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
Comment: The licences of Node.js, llama.cpp and all other software that this
 package carries are in full in /usr/share/doc/${PACKAGE}/LICENSES.txt.gz

Files: *
${copyright.replace(/^Copyright (\(c\) )?/, 'Copyright: ')}
License: Expat

License: Expat
${indented.join('\n')}
`;
}

/** What lintian is told to accept, each with its reason. */
export const OVERRIDES = `# Chrome and Edge read the manifests of all users' native hosts there, and nowhere else.
${PACKAGE}: dir-or-file-in-etc-opt *
# The program is Node.js as its makers build it, with the libraries they build it with, and not position independent.
${PACKAGE}: embedded-library * [usr/lib/${PACKAGE}/tabagent-host]
${PACKAGE}: hardening-no-pie [usr/lib/${PACKAGE}/tabagent-host]
`;
