/**
 * The functions of systeminformation that the host uses. Import this module lazily, not the package: the package is
 * CommonJS, and a chunk of the bundled host that contains only a CommonJS module has only a default export.
 */
export { cpu, graphics, mem } from 'systeminformation';
