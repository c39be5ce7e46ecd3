/** A number of bytes as people read it, in the decimal units that disks and hubs are sold and shown in: `512 MB`, `5.1 GB`. */
export function formatBytes(bytes: number): string {
  return bytes < 1e9 ? `${Math.ceil(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
