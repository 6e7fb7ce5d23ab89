// The contraction of a CTA: staging runs ahead of the products.

namespace mho {

/// Stages a side: what is copied is under way after `begin`, of another the operands are held until `end`. `fast`: the
/// contraction has the step in full, and the side is ready: what it has of the block is whole and lies so that it can be
/// read 16 bytes, or a pair of neighbours, at a time.
template <class L, class Side, bool kIsCopy = Side::kIsCopy> class SideStager {
public:
  __device__ __forceinline__ SideStager(const typename L::Arguments &a, const Block &b, int x) : copies(a, b, x) {}
  __device__ __forceinline__ void move(const typename L::Arguments &a, int positions) { copies.move(a, positions); }
  __device__ __forceinline__ bool ready() const { return copies.ready(); }
  __device__ __forceinline__ void begin(const typename L::Arguments &a, const Block &b, const Step &s, int offset, bool fast,
                                        typename L::Math::Stored *to) {
    if (fast)
      copies.copy(a, offset, to);
    else
      copies.copy_some(a, part_of<L, Side>(b, s), to);
  }
  __device__ __forceinline__ void end(const typename L::Arguments &, const Noise<L::kKeys> &, const Block &, const Step &,
                                      bool, typename L::Math::Stored *) const {}

private:
  Copies<L, Side> copies;
};
template <class L, class Side> class SideStager<L, Side, false> {
public:
  __device__ __forceinline__ SideStager(const typename L::Arguments &a, const Block &b, int x) {
    const int out = Side::kIsLhs ? b.row : b.column, out_end = Side::kIsLhs ? b.rows : b.columns;
    whole = out + (Side::kIsLhs ? L::kRowBlock : L::kColumnBlock) <= out_end && Side::pairs(a);
    even = (part_of<L, Side>(b, Step{0, 0, 0, x, x}).column & 1) == 0;
  }
  __device__ __forceinline__ void move(const typename L::Arguments &, int positions) {
    if (Side::column_axis == L::contract_axis)
      even = even == ((positions & 1) == 0);
  }
  __device__ __forceinline__ bool ready() const { return whole && even; }
  __device__ __forceinline__ void begin(const typename L::Arguments &a, const Block &b, const Step &s, int, bool fast,
                                        typename L::Math::Stored *) {
    if (fast)
      hold<L, Side>(a, s, part_of<L, Side>(b, s), held);
  }
  __device__ __forceinline__ void end(const typename L::Arguments &a, const Noise<L::kKeys> &noise, const Block &b,
                                      const Step &s, bool fast, typename L::Math::Stored *to) const {
    load_block<L, Side>(a, noise, s, part_of<L, Side>(b, s), fast, held, to);
  }

private:
  Held<L, Side> held;
  bool whole; ///< the output has all positions of the block, and operands have pairs of neighbours
  bool even;  ///< the first column of memory is
};

/// The contraction of a CTA: a sequence of steps, all tiles', staged kStages - 1 steps ahead of their products.
template <class L> class Pipeline {
  static constexpr int kAhead = L::kStages - 1;

public:
  __device__ __forceinline__ Pipeline(const typename L::Arguments &a, const Noise<L::kKeys> &noise, const Block &b,
                                      const Step &first, unsigned char *shared)
      : a(a), noise(noise), block(b), shared(shared), factors(shared), lhs(a, b, first.x), rhs(a, b, first.x),
        ready(lhs.ready() && rhs.ready()) {
    if constexpr (L::kStepsOfTile > 0)
#pragma unroll
      for (int number = 0; number < kAhead; ++number)
        stage_ahead(first, number, number, [] {});
  }

  /// Adds the products of a tile's steps and stages the first of `next`, the tile behind it.
  __device__ __forceinline__ void contract(const Step &tile, const Step &next, Fragment<L> (&acc)[L::kPairs]) {
    if constexpr (L::kStepsOfTile > 0) {
#pragma unroll
      for (int step = 0; step < L::kStepsOfTile; ++step)
        one_step(tile, next, step, L::kStepsOfTile, step % L::kStages, acc);
    } else {
      // The loop also stages the first steps of all, which have nothing to multiply yet: the code stands once.
      const int count = steps_of<L>(tile.end - tile.x);
#pragma unroll 1
      for (int step = begun ? 0 : -L::kStages; step < count; step += L::kStages) {
#pragma unroll L::Math::kUnrolledStages ? L::kStages : 1
        for (int stage = 0; stage < L::kStages; ++stage)
          one_step(tile, next, step + stage, count, stage, acc);
      }
      begun = true;
    }
  }

private:
  /// The products of step `step` of `count`, in `stage`.
  __device__ __forceinline__ void one_step(const Step &tile, const Step &next, int step, int count, int stage,
                                           Fragment<L> (&acc)[L::kPairs]) {
    wait_for_copies<L::kStages - 2>();
    __syncthreads(); // the stage is whole, and nobody reads the one before it any more
    // A tile of the forward contraction has an input.
    const bool any = L::kStepsOfTile > 0 && step == 0 ? true : step >= 0 && tile.x + step * L::kDepth < tile.end;
    const int ahead = step + kAhead, to = stage == 0 ? kAhead : stage - 1;
    if (ahead == count) {
      lhs.move(a, next.x - tile.x);
      rhs.move(a, next.x - tile.x);
      ready = lhs.ready() && rhs.ready();
    }
    const bool here = ahead < count;
    if (ahead < 0)
      return; // before the first that is staged
    stage_ahead(here ? tile : next, here ? ahead : ahead - count, to, [&] {
      if (any)
        factors.multiply(stage, acc);
    });
  }

  /// Stages step `number` of a tile while `work` is done.
  template <class Work>
  __device__ __forceinline__ void stage_ahead(const Step &tile, int number, int stage, Work work) {
    Step s = tile;
    s.x += number * L::kDepth;
    const bool full = s.x + L::kDepth <= s.end, any = s.x < s.end;
    const bool fast_lhs = full && lhs.ready(), fast_rhs = full && rhs.ready();
    typename L::Math::Stored *to_lhs = stage_of<L, typename L::Lhs>(shared, stage);
    typename L::Math::Stored *to_rhs = stage_of<L, typename L::Rhs>(shared, stage);
    if (full && ready) {
      lhs.begin(a, block, s, number * L::kDepth, true, to_lhs);
      rhs.begin(a, block, s, number * L::kDepth, true, to_rhs);
    } else if (any) {
      lhs.begin(a, block, s, number * L::kDepth, fast_lhs, to_lhs);
      rhs.begin(a, block, s, number * L::kDepth, fast_rhs, to_rhs);
    }
    commit_copies();
    work();
    if (any) {
      lhs.end(a, noise, block, s, fast_lhs, to_lhs);
      rhs.end(a, noise, block, s, fast_rhs, to_rhs);
    }
  }

  const typename L::Arguments &a;
  const Noise<L::kKeys> &noise;
  const Block &block;
  unsigned char *shared;
  typename L::Math::template Factors<L> factors;
  SideStager<L, typename L::Lhs> lhs;
  SideStager<L, typename L::Rhs> rhs;
  bool ready; ///< whether both sides are
  bool begun = false; ///< whether steps are staged ahead
};

} // namespace mho
