"""Opcodes of SASS in classes, by what they occupy."""

CLASSES = {
    "HMMA": "HMMA IMMA HGMMA IGMMA DMMA",
    "LDSM": "LDSM",
    "LDS": "LDS",
    "STS": "STS STSM",
    "LDGSTS": "LDGSTS",
    "LDG": "LDG LD",
    "STG": "STG ST RED ATOMG",
    "LOCAL": "LDL STL",  # spills
    "LDC": "LDC",
    "MUFU": "MUFU",
    "CONVERT": "I2F F2I F2F F2FP I2FP FRND I2I",
    "IMAD": "IMAD",
    "IADD": "IADD3 IADD IABS IMNMX VIMNMX LEA VIADD",
    "SHIFT": "SHF",
    "LOP3/PRMT": "LOP3 PRMT BREV FLO POPC LOP SGXT BMSK",
    "FFMA": "FFMA",
    "FADD/FMUL": "FADD FMUL FSWZADD",
    "FMNMX": "FMNMX",
    "HALF": "HADD2 HFMA2 HMUL2 HMNMX2 HSET2 HSETP2 HADD2_32I HFMA2_MMA",
    "COMPARE": "ISETP FSETP PLOP3 FCHK P2R R2P FSET PSETP",
    "SELECT": "SEL FSEL",
    "MOV": "MOV CS2R S2R S2UR R2UR CS2UR",
    "SHFL/VOTE": "SHFL VOTE VOTEU MATCH REDUX",
    "SYNC": "BAR DEPBAR LDGDEPBAR BSSY BSYNC WARPSYNC BREAK BMOV MEMBAR ERRBAR CCTL ARRIVES SYNCS WARPGROUP NOP NANOSLEEP FENCE",
    "BRA": "BRA EXIT CALL RET BRX YIELD KILL",
}
CLASS_OF = {opcode: name for name, opcodes in CLASSES.items() for opcode in opcodes.split()}
# The multiplier's other uses: a move, a sum, a shift.
IMAD_AS = {"MOV": "MOV", "IADD": "IADD", "X": "IADD", "SHL": "SHIFT"}
ORDER = list(CLASSES) + ["UNIFORM", "OTHER"]


def class_of(instruction):
    """The class of an instruction; UNIFORM for the datapath that a warp's lanes share."""
    words = instruction.opcode.split(".")
    if words[0] == "IMAD" and len(words) > 1:
        return IMAD_AS.get(words[1], "IMAD")
    known = CLASS_OF.get(words[0])
    if known:
        return known
    return "UNIFORM" if words[0].startswith("U") else "OTHER"
