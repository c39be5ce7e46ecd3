/**
 * The functions of systeminformation that the host uses. Import this module lazily instead of the package: the package
 * is CommonJS, and a chunk of the bundled host that consists only of a CommonJS module has only a default export.
 */
export { cpu, graphics, mem } from 'systeminformation';
