//go:build !race && !tidegate_gc

package tidegate

import "testing"

// Both the race detector and a collection empty the pool that batches come from.
func TestBatchesAllocateNothing(t *testing.T) {
	limiter, _ := manual(t, "100/minute")
	keys, decisions := []string{"alice", "bob"}, make([]Decision, 2)
	if allocs := testing.AllocsPerRun(100, func() { decisions, _ = limiter.CheckManyInto(decisions, keys, 1) }); allocs != 0 {
		t.Errorf("CheckManyInto allocates %v times", allocs)
	}
}
