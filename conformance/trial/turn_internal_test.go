package trial

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// A trial that was left behind holds up no other, whatever it takes later.
func TestALostTurnHoldsNothing(t *testing.T) {
	free := func() bool {
		if !exclusive.TryLock() {
			return false
		}
		exclusive.Unlock()
		return true
	}
	var a turn
	a.take(exclusive.RLocker())
	assert.False(t, free())
	a.give()
	a.give() // nothing more is held
	assert.True(t, free())
	a.take(&exclusive)
	a.lose()
	assert.True(t, free(), "what it held is given back")
	a.take(&exclusive)
	assert.True(t, free(), "and what it takes afterwards")
}
