/**
 * The functions of systeminformation that the host uses. Import this module lazily, not the package: the package is
 * CommonJS, and a part of the bundled host that is made of a CommonJS module alone has only a default export.
 */
export { cpu, graphics, mem } from 'systeminformation';
