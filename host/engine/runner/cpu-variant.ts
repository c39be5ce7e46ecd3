/** A shared library of ggml's CPU backend: `libggml-cpu-zen4.so`, `ggml-cpu-haswell.dll`. */
const CPU_LIBRARY = /ggml-cpu-([A-Za-z0-9_.]+?)\.(?:so|dll|dylib)$/;

/**
 * The CPU binary ggml has really loaded, by what is mapped into this process; null if the platform ships a single one
 * (macOS), which has no variant in its name.
 */
export function cpuVariant(): string | null {
  // Without this the report looks up the names of all open connections. Node's type declarations do not know it yet.
  Reflect.set(process.report, 'excludeNetwork', true);
  const report: unknown = process.report.getReport();
  const libraries =
    typeof report === 'object' && report !== null && 'sharedObjects' in report ? report.sharedObjects : [];
  if (!Array.isArray(libraries)) return null;
  for (const library of libraries) {
    const variant = variantOf(String(library));
    if (variant !== null) return variant;
  }
  return null;
}

/** The variant in a library's path, or null for one that is no CPU backend with variants. */
export function variantOf(library: string): string | null {
  return CPU_LIBRARY.exec(library)?.[1] ?? null;
}
