/** A configuration in which this host runs models: a backend and the hardware that it uses. */
export interface Recipe {
  readonly recipe: string;
  readonly backend: string;
  readonly acceleration: string;
  readonly file_format: string;
  readonly description: string;
  readonly hardware_required: string;
  readonly os_support: readonly string[];
}

const GGUF = { backend: 'Node-GGUF', file_format: 'gguf' } as const;

/** All recipes, fastest first. Source: node-llama-cpp's list of prebuilt binaries. */
export const RECIPES: readonly Recipe[] = [
  {
    ...GGUF,
    recipe: 'llamacpp-cuda',
    acceleration: 'cuda',
    description: 'llama.cpp on an NVIDIA GPU, all of the model or as many layers as fit.',
    hardware_required: 'An NVIDIA GPU with its driver',
    os_support: ['linux', 'windows'],
  },
  {
    ...GGUF,
    recipe: 'llamacpp-metal',
    acceleration: 'metal',
    description: 'llama.cpp on an Apple GPU, in the memory it shares with the CPU.',
    hardware_required: 'A Mac with Apple silicon',
    os_support: ['macos'],
  },
  {
    ...GGUF,
    recipe: 'llamacpp-vulkan',
    acceleration: 'vulkan',
    description: 'llama.cpp on a GPU of any vendor, all of the model or as many layers as fit.',
    hardware_required: 'A GPU with a Vulkan driver',
    os_support: ['linux', 'windows'],
  },
  {
    ...GGUF,
    recipe: 'llamacpp-cpu',
    acceleration: 'cpu',
    description: 'llama.cpp on the CPU, with the build for its vector instructions.',
    hardware_required: 'A 64-bit CPU',
    os_support: ['linux', 'macos', 'windows'],
  },
  {
    recipe: 'bitnet-cpu',
    backend: 'Node-BitNet',
    acceleration: 'cpu',
    file_format: 'gguf',
    description: 'Models with ternary weights (BitNet b1.58, in TQ1_0 or TQ2_0) through llama.cpp on the CPU.',
    hardware_required: 'A 64-bit CPU',
    os_support: ['linux', 'macos', 'windows'],
  },
];
