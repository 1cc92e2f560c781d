// Package collective is how ranks compute together in the memory of one process.
// It is what package adapter does where devices have no collectives of their
// own, and what a driver whose devices share a process can build its own on.
//
// Ranks meet in a communicator: each calls [Join] with the same ID, and gets a
// [Rank]. An operation is announced first, in the same order by every rank, and
// run later, perhaps on a stream: announcing checks what one rank can know and
// takes a place in the order; [Operation.Run] contributes bytes, waits for the
// other ranks and returns what this rank receives.
//
// Where ranks disagree on an operation, it fails on every rank. A rank that
// gives up, because its context ends or because it leaves or aborts, ends the
// communicator for all: nobody waits for what cannot come.
package collective

import (
	"context"
	"crypto/rand"
	"sync"

	"example.com/midplane/adapter/driver"
)

// NewID returns a name that no other communicator has.
func NewID() driver.CommID {
	var id driver.CommID
	rand.Read(id[:]) // never fails
	return id
}

// rooms are the communicators that not all ranks have joined yet.
var rooms = struct {
	sync.Mutex
	byID map[driver.CommID]*room
}{byID: make(map[driver.CommID]*room)}

// Rank is one rank's end of a communicator.
type Rank struct {
	room *room
	rank int

	mu    sync.Mutex
	next  uint64         // collective operations announced
	sends map[int]uint64 // messages announced, by receiver
	recvs map[int]uint64 // and by sender
}

// Join becomes a rank of the communicator of that name, and waits until all
// have joined. It fails with InvalidArgument where the ranks disagree on their
// number or a rank is taken, and with Canceled when the context ends; the rank
// is then free again.
func Join(ctx context.Context, id driver.CommID, rank, size int) (*Rank, error) {
	if size < 1 || rank < 0 || rank >= size {
		return nil, driver.Errorf(driver.InvalidArgument, "JoinComm", "rank %d of %d", rank, size)
	}
	if err := ctx.Err(); err != nil {
		return nil, driver.AsError("JoinComm", err)
	}
	r, err := enterRoom(id, rank, size)
	if err != nil {
		return nil, err
	}
	select {
	case <-r.full:
		return &Rank{room: r, rank: rank, sends: make(map[int]uint64), recvs: make(map[int]uint64)}, nil
	case <-ctx.Done():
	}
	rooms.Lock()
	defer rooms.Unlock()
	if r.joined == r.size { // while this rank gave up
		r.fail(driver.Errorf(driver.Aborted, "JoinComm", "rank %d gave up", rank))
		return nil, driver.AsError("JoinComm", ctx.Err())
	}
	r.present[rank] = false
	if r.joined--; r.joined == 0 {
		delete(rooms.byID, id)
	}
	return nil, driver.AsError("JoinComm", ctx.Err())
}

func enterRoom(id driver.CommID, rank, size int) (*room, error) {
	rooms.Lock()
	defer rooms.Unlock()
	r := rooms.byID[id]
	if r == nil {
		r = newRoom(size)
		rooms.byID[id] = r
	}
	switch {
	case r.size != size:
		return nil, driver.Errorf(driver.InvalidArgument, "JoinComm", "a communicator of %d ranks, where another rank says %d", size, r.size)
	case r.present[rank]:
		return nil, driver.Errorf(driver.InvalidArgument, "JoinComm", "rank %d has joined already", rank)
	}
	r.present[rank] = true
	if r.joined++; r.joined == size {
		delete(rooms.byID, id)
		close(r.full)
	}
	return r, nil
}

// Rank returns the rank's number.
func (r *Rank) Rank() int { return r.rank }

// Size returns the number of ranks.
func (r *Rank) Size() int { return r.room.size }

// Abort ends the communicator: every rank's operations fail with Aborted.
func (r *Rank) Abort() {
	r.room.fail(driver.Errorf(driver.Aborted, "Abort", "rank %d aborted the communicator", r.rank))
}

// Leave ends the rank's part. Others' operations that need it fail.
func (r *Rank) Leave() { r.room.leave(r.rank) }
