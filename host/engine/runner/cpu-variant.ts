/** A shared library of ggml's CPU backend: `libggml-cpu-zen4.so`, `ggml-cpu-haswell.dll`. */
const CPU_LIBRARY = /ggml-cpu-([A-Za-z0-9_.]+?)\.(?:so|dll|dylib)$/;

/**
 * The CPU binary ggml has really loaded, by what is mapped into this process; null where the platform ships a single
 * one (macOS), which has no variant in its name.
 */
export function cpuVariant(): string | null {
  // Without this the report looks up the names of all open connections. Node's type declarations do not know it yet.
  Reflect.set(process.report, 'excludeNetwork', true);
  const report: unknown = process.report.getReport();
  const libraries =
    typeof report === 'object' && report !== null && 'sharedObjects' in report ? report.sharedObjects : [];
  if (!Array.isArray(libraries)) return null;
  for (const library of libraries) {
    const variant = CPU_LIBRARY.exec(String(library))?.[1];
    if (variant !== undefined) return variant;
  }
  return null;
}
