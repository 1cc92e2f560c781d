package driver

// Caps are the optional interfaces that a device declares, one bit each.
type Caps uint64

// Has reports whether every bit of want is set.
func (c Caps) Has(want Caps) bool { return c&want == want }

// Names returns the names of the capabilities in c.
func (c Caps) Names() []string {
	var names []string
	for i, name := range capNames {
		if c.Has(1 << i) {
			names = append(names, name)
		}
	}
	return names
}

// As returns the optional interface T of a device if the device implements it
// and, where T has a capability bit, declares it. It is the one place where
// optional interfaces are looked for.
func As[T any](d Device) (T, bool) { return AsOf[T](d, d.Info().Caps) }

// AsOf is [As] for a device of which only the capabilities in caps count.
func AsOf[T any](d Device, caps Caps) (T, bool) {
	v, ok := d.(T)
	if !ok || !caps.Has(bitOf[T]()) {
		var none T
		return none, false
	}
	return v, true
}
