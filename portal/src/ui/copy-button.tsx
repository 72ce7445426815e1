import { ActionIcon, Tooltip } from '@mantine/core';
import { useClipboard } from '@mantine/hooks';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useLanguage } from '../text/language';

interface CopyButtonProps {
  /** the original text, or how to get it when the screen has only its beginning */
  text: string | (() => Promise<string>);
  label: string;
}

/** Copies the original text, byte for byte, not what the screen draws for it. */
export function CopyButton({ text, label }: CopyButtonProps) {
  const { t } = useLanguage();
  const { copy, copied } = useClipboard({ timeout: 1600 });
  const press = () => {
    if (typeof text === 'string') copy(text);
    // a failed read leaves the button as it was: nothing was copied and nothing says so
    else text().then(copy, () => undefined);
  };
  return (
    <Tooltip label={copied ? t('app.copied') : label} withArrow>
      <ActionIcon variant="subtle" color="gray" c="dimmed" aria-label={label} data-copy onClick={press}>
        {copied ? <IconCheck size={18} color="var(--good)" /> : <IconCopy size={18} stroke={1.7} />}
      </ActionIcon>
    </Tooltip>
  );
}
