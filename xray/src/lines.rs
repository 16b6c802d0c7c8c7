//! From a stopped process to the lines of the level that have led there.
//!
//! No frame pointers are kept in a dev build, so the stack is unwound by the tables that the
//! compiler leaves in `.eh_frame` for panics. The lines come from `.debug_line`.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use addr2line::Context;
use gimli::{
    BaseAddresses, CfaRule, EhFrame, EhFrameHdr, EndianArcSlice, NativeEndian, ParsedEhFrameHdr,
    Register, RegisterRule, UnwindContext, UnwindSection, UnwindTableRow,
};
use linux_sys::{Pid, Registers};
use object::{Object, ObjectSection, ObjectSegment, ObjectSymbol, SymbolKind};

use crate::memory::Memory;
use crate::processor::{self, RETURN, STACK_POINTER};

type Slice = EndianArcSlice<NativeEndian>;

/// More than any level's stack is deep.
const DEEPEST: usize = 96;

/// A line of the level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// As `levels/05_uts_namespace/src/container.rs`.
    pub(crate) file: String,
    pub(crate) line: u32,
    /// The function's name, without its path.
    pub(crate) function: String,
}

/// What was read of programs and libraries.
#[derive(Default)]
pub(crate) struct Lines {
    objects: HashMap<String, Option<Loaded>>,
}

struct Loaded {
    /// Where its first segment wants to be.
    base: u64,
    eh_frame: EhFrame<Slice>,
    /// Its index, by address.
    index: ParsedEhFrameHdr<Slice>,
    bases: BaseAddresses,
    lines: Option<Context<Slice>>,
    /// Where each function begins, in order. `.debug_info` names few of them in a dev build.
    functions: Vec<(u64, String)>,
}

/// What is mapped where in a process. An exec makes another one.
pub(crate) struct Image {
    mapped: Vec<Mapped>,
}

/// A part of a file, in a process's memory.
struct Mapped {
    from: u64,
    to: u64,
    /// Where the file's beginning would be.
    first: u64,
    /// Which file: its device, inode and path, as they stand in the table.
    file: String,
    /// Where that can be read.
    path: PathBuf,
}

impl Image {
    pub(crate) fn of(pid: Pid) -> Image {
        let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
        let program = PathBuf::from(format!("/proc/{pid}/exe"));
        let its_name = fs::read_link(&program).unwrap_or_default();
        let mut firsts: HashMap<String, u64> = HashMap::new();
        let mut mapped = Vec::new();
        for line in maps.lines() {
            // from-to, how, offset, device, inode, path; the path may have blanks.
            let Some((range, _)) = line.split_once(' ') else {
                continue;
            };
            let Some(path) = line.find('/').map(|at| &line[at..]) else {
                continue;
            };
            let number = |text| u64::from_str_radix(text, 16).ok();
            let ends = range.split_once('-');
            let Some((from, to)) = ends.and_then(|(from, to)| Some((number(from)?, number(to)?)))
            else {
                continue;
            };
            let fields = line.split_whitespace().skip(3).take(2);
            let file = fields.chain([path]).collect::<Vec<_>>().join(" ");
            let first = *firsts.entry(file.clone()).or_insert(from);
            // A program that lies in memory alone has no name any more (memfd_create(2)), and one
            // that is run by a mount of its own is called as the root of that: `/`.
            let has_no_name = path.ends_with(" (deleted)") || path == "/";
            let path = match has_no_name {
                false => path.into(),
                true if its_name == Path::new(path) => program.clone(),
                true => format!("/proc/{pid}/map_files/{range}").into(),
            };
            mapped.push(Mapped {
                from,
                to,
                first,
                file,
                path,
            });
        }
        Image { mapped }
    }

    fn at(&self, address: u64) -> Option<&Mapped> {
        let mut mapped = self.mapped.iter();
        mapped.find(|it| (it.from..it.to).contains(&address))
    }
}

impl Lines {
    /// The lines below `levels/` that are on the stack, innermost first.
    pub(crate) fn of(&mut self, image: &Image, memory: &Memory, start: &Registers) -> Vec<Line> {
        let mut frame = Frame::at(start);
        let mut found = Vec::new();
        for depth in 0..DEEPEST {
            let Some(mapped) = image.at(frame.counter) else {
                break;
            };
            let Some(loaded) = self.load(mapped) else {
                break;
            };
            // A return address stands behind the call that it belongs to.
            let exact = frame.counter - mapped.first + loaded.base;
            let address = if depth == 0 {
                exact
            } else {
                exact.saturating_sub(1)
            };
            loaded.lines_at(address, &mut found);
            let next = loaded
                .unwind(&frame, address, memory)
                // glibc's clone has no table. Where the stack has just begun, it is a leaf.
                .or_else(|| if depth == 0 { frame.leaf(memory) } else { None });
            match next {
                Some(next) if next.counter != 0 => frame = next,
                _ => break,
            }
        }
        found
    }

    fn load(&mut self, mapped: &Mapped) -> Option<&Loaded> {
        let loaded = self.objects.entry(mapped.file.clone());
        loaded
            .or_insert_with(|| Loaded::read(&mapped.path))
            .as_ref()
    }
}

impl Loaded {
    fn read(path: &Path) -> Option<Loaded> {
        let bytes = fs::read(path).ok()?;
        let file = object::File::parse(&*bytes).ok()?;
        let section = |name: &str| {
            let data = file.section_by_name(name);
            let data = data.and_then(|it| it.uncompressed_data().ok());
            Slice::new(data.unwrap_or_default().as_ref().into(), NativeEndian)
        };
        let address = |name| file.section_by_name(name).map(|it| it.address());
        let mut bases = BaseAddresses::default();
        if let Some(at) = address(".eh_frame") {
            bases = bases.set_eh_frame(at);
        }
        if let Some(at) = address(".eh_frame_hdr") {
            bases = bases.set_eh_frame_hdr(at);
        }
        if let Some(at) = address(".text") {
            bases = bases.set_text(at);
        }
        let index = EhFrameHdr::from(section(".eh_frame_hdr"));
        let index = index.parse(&bases, size_of::<usize>() as u8).ok()?;
        let symbols = file.symbols().filter(|it| it.kind() == SymbolKind::Text);
        let named = symbols.filter_map(|it| Some((it.address(), it.name().ok()?.to_owned())));
        let mut functions: Vec<(u64, String)> = named.collect();
        functions.sort_unstable();
        let dwarf = gimli::Dwarf::load(|id| Ok::<_, gimli::Error>(section(id.name()))).ok()?;
        let mut eh_frame = EhFrame::from(section(".eh_frame"));
        eh_frame.set_vendor(processor::VENDOR);
        Some(Loaded {
            base: file.segments().map(|it| it.address()).min()? & !0xfff,
            eh_frame,
            index,
            bases,
            lines: Context::from_dwarf(dwarf).ok(),
            functions,
        })
    }

    fn lines_at(&self, address: u64, found: &mut Vec<Line>) {
        let Some(lines) = &self.lines else { return };
        let Ok(mut frames) = lines.find_frames(address).skip_all_loads() else {
            return;
        };
        while let Ok(Some(frame)) = frames.next() {
            let location = frame.location.as_ref();
            let Some((file, line)) = location.and_then(|it| Some((it.file?, it.line?))) else {
                continue;
            };
            let Some(file) = level_file(file) else {
                continue;
            };
            let named = frame.function.as_ref();
            let named = named.and_then(|it| Some(it.demangle().ok()?.into_owned()));
            let function = named.or_else(|| self.function_at(address));
            found.push(Line {
                file,
                line,
                function: function_name(&function.unwrap_or_default()),
            });
        }
    }

    fn function_at(&self, address: u64) -> Option<String> {
        let after = self
            .functions
            .partition_point(|(begins, _)| *begins <= address);
        let (_, name) = self.functions.get(after.checked_sub(1)?)?;
        Some(addr2line::demangle_auto(name.into(), None).into_owned())
    }

    fn unwind(&self, frame: &Frame, address: u64, memory: &Memory) -> Option<Frame> {
        let mut context = UnwindContext::new();
        let row = self
            .index
            .table()?
            .unwind_info_for_address(
                &self.eh_frame,
                &self.bases,
                &mut context,
                address,
                EhFrame::cie_from_offset,
            )
            .ok()?;
        frame.above(row, memory)
    }
}

/// Where a function stands: its registers, as far as they are known.
#[derive(Clone)]
struct Frame {
    registers: [u64; 32],
    counter: u64,
}

impl Frame {
    fn at(start: &Registers) -> Frame {
        Frame {
            registers: start.dwarf,
            counter: start.program_counter,
        }
    }

    fn register(&self, register: Register) -> Option<u64> {
        self.registers.get(usize::from(register.0)).copied()
    }

    /// The caller's frame, by the table's row for this place.
    fn above(&self, row: &UnwindTableRow<usize>, memory: &Memory) -> Option<Frame> {
        let CfaRule::RegisterAndOffset { register, offset } = row.cfa() else {
            return None; // an expression: in a signal frame, or in the linker's stubs
        };
        let frame = self.register(*register)?.wrapping_add_signed(*offset);
        let mut above = self.clone();
        for (register, rule) in row.registers() {
            let value = match rule {
                RegisterRule::Offset(offset) => {
                    memory.number(frame.wrapping_add_signed(*offset))?
                }
                RegisterRule::ValOffset(offset) => frame.wrapping_add_signed(*offset),
                RegisterRule::Register(other) => self.register(*other)?,
                RegisterRule::Undefined if register.0 == RETURN => return None,
                _ => continue,
            };
            if let Some(place) = above.registers.get_mut(usize::from(register.0)) {
                *place = value;
            }
        }
        above.registers[usize::from(STACK_POINTER)] = frame;
        above.counter = processor::plain(above.registers[usize::from(RETURN)]);
        Some(above)
    }

    /// The caller's frame, if this function has not put anything on the stack.
    fn leaf(&self, memory: &Memory) -> Option<Frame> {
        let mut above = self.clone();
        above.counter = processor::leave_leaf(&mut above.registers, memory)?;
        Some(above)
    }
}

/// The part of a path from `levels/` on, if it is a level's source.
fn level_file(path: &str) -> Option<String> {
    let at = match path.starts_with("levels/") {
        true => 0,
        false => path.find("/levels/")? + 1,
    };
    let file = &path[at..];
    file.contains("/src/").then(|| file.to_owned())
}

/// `level05::container::contain` is `contain`; a closure has its function's name.
fn function_name(path: &str) -> String {
    let is_name = |part: &&str| {
        let is_hash = part.len() == 17 && part.starts_with('h');
        !part.starts_with('{') && !is_hash
    };
    // A generic one ends with its types.
    let path = path
        .split('<')
        .next()
        .filter(|it| !it.is_empty())
        .unwrap_or(path);
    let last = path
        .trim_end_matches(':')
        .split("::")
        .filter(is_name)
        .last();
    last.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_levels_sources_count() {
        let file = "/home/me/rd/levels/05_uts_namespace/src/container.rs";
        let short = "levels/05_uts_namespace/src/container.rs";
        assert_eq!(level_file(file).as_deref(), Some(short));
        assert_eq!(level_file(short).as_deref(), Some(short));
        assert_eq!(level_file("/rustc/x/library/std/src/rt.rs"), None);
        assert_eq!(level_file("/home/me/given/src/lib.rs"), None);
    }

    #[test]
    fn a_closure_has_the_name_of_its_function() {
        assert_eq!(function_name("level05::start::{{closure}}"), "start");
        assert_eq!(function_name("main"), "main");
        assert_eq!(
            function_name("rd::container::contain::h0123456789abcdef"),
            "contain"
        );
        assert_eq!(function_name("rd::each::<alloc::string::String>"), "each");
    }
}
