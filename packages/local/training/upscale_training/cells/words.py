"""What the pages say: common English words, and those of a designer's and a developer's day."""

WORDS = (
    "the of and to in is that for it as was with be by on not he his but at are this have from or had an they which one you were all her she there "
    "would their we him been has when who will no more if out so up said what its about than into them can only other time new some could these two "
    "may first then do any like my now over such our man me even most made after also did many off before must well back through years where much "
    "your way down should because long each just state those people too mr how little good world make very year still see own work men day get here "
    "between both life being under three never know same last another while us might great old go come since against right used take states himself "
    "few house use during without again place around however home small found thought went say part once high general upon school every account "
    "settings profile invoice download upload dashboard overview analytics quarter revenue growth users sessions checkout password email search "
    "filter export import delete cancel confirm billing project pixel vector gradient contrast typography kerning ligature serif baseline"
).split()
KEYWORDS = "const let return if else for while import from export function class new await async def yield int float void static public".split()
