package matrix

// available are the kernels that this processor runs, by name.
func available() map[string]*kernels {
	list := map[string]*kernels{"generic": &genericKernels}
	addAvailable(list)
	return list
}

// planewise are implementations on planes.
type planewise struct {
	filter   filterFunc
	envelope envelopeFunc
}

// filters are those that this processor runs, by name.
func filters() map[string]planewise {
	list := map[string]planewise{"generic": {filterGeneric, envelopeGeneric}}
	addFilters(list)
	return list
}
