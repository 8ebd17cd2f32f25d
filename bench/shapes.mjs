/** The sizes of released models, as configs of the runtime. Weights are made up where these are used: speed does not depend on them. */

const VOCABULARY = 262144;

function gemma3(hiddenSize, layers, mlpWidth) {
  const layer = (keysFrom) => ({
    heads: { query: 4, keyValue: 1, size: 256 },
    window: (keysFrom + 1) % 6 === 0 ? null : 512,
    rope: { theta: (keysFrom + 1) % 6 === 0 ? 1e6 : 1e4, pairs: 128 },
    keysFrom,
    valueIsKey: false,
    mlpWidth,
  });
  return {
    family: "gemma3",
    vocabularySize: VOCABULARY,
    hiddenSize,
    contextLength: 32768,
    normEpsilon: 1e-6,
    layers: Array.from({ length: layers }, (_, i) => layer(i)),
    scales: { embedding: Math.sqrt(hiddenSize), residual: 1, attention: 0.0625, logits: 1 },
    softcap: null,
    experts: null,
    perLayer: null,
    tiedHead: true,
    tokens: { bos: 2, stop: [1] },
  };
}

/** Gemma 4; `shape` says what differs between its sizes. `layers` fewer than it has: that many, from the first. */
function gemma4({
  hiddenSize,
  layers,
  period,
  query,
  keyValue,
  fullKeyValue,
  window,
  mlpWidth,
  valueIsKey,
  shared = 0,
  doubleWide = false,
  perLayer = null,
  experts = null,
}) {
  const firstShared = layers - shared;
  const full = (i) => (i + 1) % period === 0;
  const source = (i) => (i < firstShared ? i : Array.from({ length: firstShared }, (_, j) => j).findLast((j) => full(j) === full(i)));
  const layer = (i) => ({
    heads: { query, keyValue: full(i) ? fullKeyValue : keyValue, size: full(i) ? 512 : 256 },
    window: full(i) ? null : window,
    rope: full(i) ? { theta: 1e6, pairs: 64 } : { theta: 1e4, pairs: 128 },
    keysFrom: source(i),
    valueIsKey: valueIsKey && full(i),
    mlpWidth: doubleWide && i >= firstShared ? 2 * mlpWidth : mlpWidth,
  });
  return {
    family: "gemma4",
    vocabularySize: VOCABULARY,
    hiddenSize,
    contextLength: 131072,
    normEpsilon: 1e-6,
    layers: Array.from({ length: layers }, (_, i) => layer(i)),
    scales: { embedding: Math.sqrt(hiddenSize), residual: 1, attention: 1, logits: 1 },
    softcap: 30,
    experts,
    perLayer,
    tiedHead: true,
    tokens: { bos: 2, stop: [1, 106, 50] },
  };
}

export const SHAPES = {
  "gemma3-270m": gemma3(640, 18, 2048),
  "gemma3-1b": gemma3(1152, 26, 6912),
  "gemma4-e2b": gemma4({
    hiddenSize: 1536,
    layers: 35,
    period: 5,
    query: 8,
    keyValue: 1,
    fullKeyValue: 1,
    window: 512,
    mlpWidth: 6144,
    valueIsKey: false,
    shared: 20,
    doubleWide: true,
    perLayer: { width: 256 },
  }),
  "gemma4-26b-a4b": gemma4({
    hiddenSize: 2816,
    layers: 30,
    period: 6,
    query: 16,
    keyValue: 8,
    fullKeyValue: 2,
    window: 1024,
    mlpWidth: 2112,
    valueIsKey: true,
    experts: { count: 128, perToken: 8, width: 704 },
  }),
};

/** The first `layers` of a shape, with a small vocabulary: what is left is the layers. */
export function layersOf(config, layers, vocabularySize) {
  return { ...config, vocabularySize, layers: config.layers.slice(0, layers) };
}
