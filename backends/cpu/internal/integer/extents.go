package integer

// extents are those of the tile registers of a product of some rows and quads of
// a tap. The assembly knows where the fields lie.
type extents struct {
	registers [64]byte // as LDTILECFG takes them: a palette, then bytes of rows from 16 on, then rows from 48 on
	upper     int      // rows of the upper tiles, which those of the lower ones follow
	depth     int      // quads of a tile, by which those of a tap are divisible
	blocks    int      // tiles that the quads of a tap fill

	// Addresses that may lie behind what they were made of, so no pointers.
	next  uintptr // of what of B is fetched for later
	lines int     // of cache of it that are fetched with each block, an even number
	end   uintptr // of the offsets, set by the assembly

	rows, quads int
}
