package spec

// The versions there have been.
var (
	v10 = Version{1, 0}
	v11 = Version{1, 1}
)

var discovery = group(Discovery,
	&Interface{Name: "Driver", Owner: OfDriver, Bit: NoBit, Required: true, Version: v10,
		Does: "Finds and opens the devices of one kind.",
		Functions: []Function{
			fn("Name", "", "name text", "The first part of its devices' names."),
			fn("Probe", "ctx context", "infos infos, error", "Every device, usable or not; an unusable one says why."),
			fn("Open", "ctx context, index int, o options", "device device, error", "Makes a device of the list ready."),
		}},
	&Interface{Name: "Versioner", Owner: OfDriver, Bit: NoBit, Version: v11,
		Does:   "Says for which version of the interface a driver was made.",
		Absent: "It was compiled with the program, and has the program's version.",
		Functions: []Function{
			fn("InterfaceVersion", "", "version version", "The version; only what both sides know is used."),
		}},
	&Interface{Name: "DriverWatcher", Owner: OfDriver, Bit: NoBit, Version: v11,
		Does:   "Notices devices come and go.",
		Absent: "The portable side asks Probe now and then.",
		Functions: []Function{
			fn("WatchDevices", "ctx context, report report", "error", "Reports the devices that there are, then those added and removed, until the context ends."),
		}},
	&Interface{Name: "Unloader", Owner: OfDriver, Bit: NoBit, Version: v11,
		Does:   "Gives back what a driver holds beyond its devices.",
		Absent: "There is nothing to give back.",
		Functions: []Function{
			fn("Unload", "ctx context", "error", "Ends the driver; no device of it is open."),
		}},
)

var lifetime = group(Lifetime,
	&Interface{Name: "Device", Owner: OfDevice, Bit: NoBit, Required: true, Version: v10,
		Does: "One opened device.",
		Functions: []Function{
			fn("Info", "", "info info", "What the device is and can do."),
			in(Memory, fn("Alloc", "size int64, kind memory_kind", "buffer buffer, error", "A buffer of undefined contents, aligned to 64 bytes at least.")),
			in(Copies, fn("CopyIn", "ctx context, dst region, src bytes", "error", "Copies from the host; src may be used again afterwards.")),
			in(Copies, fn("CopyOut", "ctx context, dst room, src region", "error", "Copies to the host; dst holds the bytes afterwards.")),
			fn("Synchronize", "ctx context", "error", "Waits for everything enqueued on every stream."),
			fn("Close", "", "error", "Gives the device back, with every buffer and stream that is left."),
		}},
)

// in puts a function into another group than its interface's.
func in(g Group, f Function) Function {
	f.Group = g
	return f
}

var health = group(Health,
	&Interface{Name: "Watcher", Owner: OfDevice, Bit: 16, Version: v11,
		Does:   "Reports on the device's health.",
		Absent: "A loss is reported when a call fails with it.",
		Functions: []Function{
			fn("Watch", "ctx context, report report", "error", "Reports how it is, then loss, throttling, recovery and memory errors, until the context ends."),
		}},
	&Interface{Name: "Sensor", Owner: OfDevice, Bit: 17, Version: v11,
		Does:   "Measures itself.",
		Absent: "Unsupported: nothing is known.",
		Functions: []Function{
			fn("Telemetry", "", "telemetry telemetry, error", "Power, temperature, clocks, utilisation, memory errors; each known or not."),
		}},
)

var profiling = group(Profiling,
	&Interface{Name: "Profiler", Owner: OfDevice, Bit: 18, Version: v11,
		Does:   "Records when the device did what.",
		Absent: "Unsupported: a session's events have the host's times.",
		Functions: []Function{
			fn("StartProfile", "", "error", "Begins a recording."),
			fn("StopProfile", "ctx context", "profile profile, error", "Ends it and returns the records, by the device's clock."),
		}},
)

var partitions = group(Partitions,
	&Interface{Name: "Partitioner", Owner: OfDevice, Bit: 19, Version: v11,
		Does:   "Divides the device into devices with quotas.",
		Absent: "A device that was opened by name is opened again with a memory limit and fewer threads.",
		Functions: []Function{
			fn("PartitionPlans", "", "plans plans", "The sizes that partitions come in; none: any size."),
			fn("Partition", "ctx context, spec partition_spec", "device device, error", "A device over a part of this one; closing it gives the part back."),
		}},
)
