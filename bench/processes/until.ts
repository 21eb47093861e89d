/** Returns once the claim is true; looks every few milliseconds. Throws after two minutes. */
export const until = async (claim: () => boolean): Promise<void> => {
  const giveUpAt = performance.now() + 120_000;
  while (!claim()) {
    if (performance.now() > giveUpAt) throw new Error("waited two minutes for nothing");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};
