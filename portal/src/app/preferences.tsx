import { ActionIcon, Menu, Tooltip, useMantineColorScheme } from '@mantine/core';
import { IconCheck, IconDeviceDesktop, IconLanguage, IconMoon, IconSun } from '@tabler/icons-react';
import { useLanguage } from '../text/language';

const SCHEMES = ['light', 'dark', 'auto'] as const;
const SCHEME_ICONS = { light: IconSun, dark: IconMoon, auto: IconDeviceDesktop };

/** Language and theme, as two small buttons. */
export function Preferences() {
  return (
    <>
      <LanguageButton />
      <SchemeMenu />
    </>
  );
}

function LanguageButton() {
  const { t, language, setLanguage } = useLanguage();
  const other = language === 'fa' ? 'en' : 'fa';
  return (
    <Tooltip label={t('nav.language')} withArrow>
      <ActionIcon
        variant="subtle"
        color="gray"
        c="dimmed"
        size="lg"
        lang={other}
        aria-label={t('nav.language.label')}
        onClick={() => setLanguage(other)}
      >
        <IconLanguage size={21} stroke={1.7} />
      </ActionIcon>
    </Tooltip>
  );
}

function SchemeMenu() {
  const { t } = useLanguage();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const Icon = SCHEME_ICONS[colorScheme];
  return (
    <Menu position="bottom-end" withArrow>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" c="dimmed" size="lg" aria-label={t('nav.scheme')}>
          <Icon size={20} stroke={1.7} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {SCHEMES.map((scheme) => {
          const SchemeIcon = SCHEME_ICONS[scheme];
          return (
            <Menu.Item
              key={scheme}
              leftSection={<SchemeIcon size={16} aria-hidden="true" />}
              rightSection={scheme === colorScheme && <IconCheck size={14} aria-hidden="true" />}
              aria-current={scheme === colorScheme || undefined}
              onClick={() => setColorScheme(scheme)}
            >
              {t(`nav.scheme.${scheme}`)}
            </Menu.Item>
          );
        })}
      </Menu.Dropdown>
    </Menu>
  );
}
