/** What makes constrained replies fast, each to be switched off. Law: none of them changes a token of a reply. */

/** All are on by default; off, they are for measuring and for finding faults. */
export interface ConstraintFeatures {
  /** Tokens that the grammar forces wait for the next sampled one and cost no step; off: each is computed in a step of its own. */
  readonly forced: boolean;
  /** Tokens that stay within an alphabet are one prepared set; off: free text walks over the vocabulary. */
  readonly slices: boolean;
  /** Masks, and the parts of them that grammars share, are kept; off: each is made when it is asked for. */
  readonly maskCache: boolean;
  /** Where few tokens are legal, and the graph can, logits are computed for those alone; off: for the whole vocabulary. */
  readonly sparseHead: boolean;
  /** The mask is made while the model computes the step; off: before it. */
  readonly overlap: boolean;
}

export const ALL_FEATURES: ConstraintFeatures = { forced: true, slices: true, maskCache: true, sparseHead: true, overlap: true };
