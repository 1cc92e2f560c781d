package integer

// extents are those of the tile registers of a product, whose rows are computed in
// groups. The assembly knows where the fields lie.
type extents struct {
	registers [64]byte // as LDTILECFG takes them: a palette, then bytes of rows from 16 on, then rows from 48 on
	upper     int      // rows of the upper tiles of a group, which those of the lower ones follow
	height    int      // rows of a group
	lastRow   int      // of the product, at which the last group begins; it may share rows with the one before
	depth     int      // quads of a tile, by which those of a tap are divisible
	blocks    int      // tiles that the quads of a tap fill
	lines     int      // of cache of B that are fetched for later with each block, an even number

	row int // at which the group under way begins

	// Addresses that may lie behind what they were made of, so no pointers.
	next  uintptr // of what of B is fetched for later
	first uintptr // of A in the group under way
	end   uintptr // of the offsets

	rows, quads int // that these extents are for
}
